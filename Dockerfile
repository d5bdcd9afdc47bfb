# The operator's image: static programs and nothing else.
#
#   docker build -t hooked.dev/hooked:dev .
#
# Where no base image can be pulled, `cargo xtask image --binaries DIR` builds the same programs with the machine's own
# toolchain, and they stand in for the build stage:
#
#   docker build --build-context build=DIR -t hooked.dev/hooked:dev .
#
# (`cargo xtask image --output IMAGE.tar` needs no container engine at all.)
ARG RUST_VERSION=1.95.0

FROM rust:${RUST_VERSION}-slim-bookworm AS compile
WORKDIR /src
# Cargo wants to see every member of the workspace, also those that it does not build here.
COPY Cargo.toml Cargo.lock rust-toolchain.toml ./
COPY crd crd
COPY core core
COPY protocol protocol
COPY hook-runner hook-runner
COPY live live
COPY controller controller
COPY kubectl-hooked kubectl-hooked
COPY simulation simulation
COPY e2e e2e
COPY xtask xtask
# Naming the target keeps the flag from programs that run during the build: a macro cannot be static. The hook-runner has
# another C library, one that starts at once; the C in its dependencies needs the compiler alone.
RUN gnu="$(uname -m)-unknown-linux-gnu" musl="$(uname -m)-unknown-linux-musl" \
 && rustup target add "$musl" \
 && RUSTFLAGS="-C target-feature=+crt-static" \
    cargo build --locked --profile image --target "$gnu" --package hooked-controller --bin hooked-controller \
 && RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static" TARGET_CC=cc \
    cargo build --locked --profile image --target "$musl" --package hook-runner --bin hook-runner \
 && install -D -t /programs "target/$gnu/image/hooked-controller" "target/$musl/image/hook-runner"

FROM scratch AS build
COPY --from=compile /programs/ /

FROM scratch
COPY --from=build --chown=0:0 --chmod=0755 /hooked-controller /hooked-controller
COPY --from=build --chown=0:0 --chmod=0755 /hook-runner /hook-runner
USER 65532:65532
WORKDIR /
ENTRYPOINT ["/hooked-controller"]
