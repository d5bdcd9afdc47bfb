//! What users do and what they are told, with an operator that is left alone. Scenarios run side by side.

mod adoption;
mod apply;
mod check;
mod corners;
mod crash_loop;
mod deaths;
mod deployments;
mod evictions;
mod gate;
mod going_back;
mod kubectl;
mod kustomize;
mod leaving;
mod likeness;
mod live;
mod malformed;
mod moving;
mod plugin;
mod rollouts;
mod runner;
mod samples;
mod scaling;
mod side_by_side;
mod stops;
mod stuck;
mod unmet;
