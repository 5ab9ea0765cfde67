# syntax=docker/dockerfile:1
# Build: docker build -t resilient-proxy .
# Run:   docker run --read-only --cap-drop ALL -p 8080:8080 -v ./config:/app/config:ro resilient-proxy
# After DrainDelay (5 s) and DrainTimeout (30 s) it ends by itself: give "docker stop" --time 40, its default is 10.

# Without a shell, a package manager and ICU (the program is culture-invariant), and as a user that is not root. To look around inside of a
# container with a shell: --build-arg RUNTIME=mcr.microsoft.com/dotnet/aspnet:10.0
ARG RUNTIME=mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled

# On the machine's own architecture, whatever the image's: the compiler writes code for either.
FROM --platform=$BUILDPLATFORM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY global.json Directory.Build.props Directory.Build.targets Directory.Packages.props .editorconfig ./
COPY src/ResilientProxy/ResilientProxy.csproj src/ResilientProxy/packages.lock.json src/ResilientProxy/
RUN dotnet restore src/ResilientProxy --locked-mode
COPY src src
COPY config config
# The image's architecture, from the builder. No default here: it would win over the builder's word.
ARG TARGETARCH
# The same line as in the README and in .ci/run, for this image's own architecture.
RUN dotnet publish src/ResilientProxy -c Release -r linux-$([ "$TARGETARCH" = arm64 ] && echo arm64 || echo x64) -p:PublishReadyToRun=true -o /app

FROM $RUNTIME
WORKDIR /app
COPY --from=build /app .
COPY config/proxy.json config/proxy.schema.json config/
# Diagnostics would open a socket in /tmp; nothing else is written anywhere, so the root file system may be read-only, /tmp included.
ENV DOTNET_EnableDiagnostics=0
# 4 MiB between two small collections: the runtime takes what the processor's cache says, which many virtual machines do not, and then 256 KiB.
# About 5 % of the CPU of a small request where that is so.
ENV DOTNET_GCgen0size=0x400000
# A number, so that Kubernetes' runAsNonRoot can tell.
USER $APP_UID
EXPOSE 8080 9901
# No HEALTHCHECK: probes go to the admin port, /health/live and /health/ready. To reach that from outside of the container set
# Admin__Url=http://0.0.0.0:9901 and an Admin__Token.
# No shell in between: the program is process 1 and gets SIGTERM itself.
ENTRYPOINT ["./resilient-proxy"]
CMD ["run", "--config", "config/proxy.json"]
