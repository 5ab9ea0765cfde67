# syntax=docker/dockerfile:1
# Build: docker build -t resilient-proxy .
# Run:   docker run --read-only -p 8080:8080 -v ./config:/app/config:ro resilient-proxy
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
ARG TARGETARCH=amd64
WORKDIR /source
COPY global.json Directory.Build.props Directory.Build.targets Directory.Packages.props .editorconfig ./
COPY config/proxy.schema.json config/
COPY src/ResilientProxy/ResilientProxy.csproj src/ResilientProxy/packages.lock.json src/ResilientProxy/
RUN dotnet restore src/ResilientProxy --locked-mode
COPY src src
COPY config config
# The same line as in the README and in .ci/run, for this image's own architecture.
RUN dotnet publish src/ResilientProxy -c Release -r linux-$([ "$TARGETARCH" = arm64 ] && echo arm64 || echo x64) -p:PublishReadyToRun=true -o /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app .
COPY config config
# Diagnostics would open a socket in /tmp; nothing is written anywhere, so the root file system may be read-only.
ENV DOTNET_EnableDiagnostics=0
USER $APP_UID
EXPOSE 8080 9901
# No HEALTHCHECK: probes go to the admin port, /health/live and /health/ready.
ENTRYPOINT ["./resilient-proxy"]
CMD ["run", "--config", "config/proxy.json"]
