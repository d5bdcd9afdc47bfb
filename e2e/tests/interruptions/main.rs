//! What holds when the operator is killed, stopped and started. Scenarios run one at a time.
