# The service as an image: compiled and packed in one stage, its dependencies installed in another, and nothing else kept.
# What it listens on, and all the rest, is set by ECHOBAHN_* variables or by flags after the image's name.

ARG NODE_IMAGE=docker.io/library/node:26.12.1-trixie-slim

FROM ${NODE_IMAGE} AS package
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json README.md LICENSE ./
COPY src ./src
RUN npm pack && tar -xzf echobahn-*.tgz

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /build
COPY package.json package-lock.json ./
# No package needs its scripts.
RUN npm ci --omit=dev --ignore-scripts

FROM ${NODE_IMAGE}
ARG VERSION=0.2.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="echobahn" \
      org.opencontainers.image.description="A WebSocket echo service that is strict, counts every octet and runs on every core" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
COPY --from=dependencies /build/node_modules ./node_modules
COPY --from=package /build/package ./
RUN ln -s /app/dist/main.js /usr/local/bin/echobahn
# Loopback in a container is nobody's but its own. The admin server stays there until it is told otherwise.
ENV NODE_ENV=production \
    ECHOBAHN_HOST=0.0.0.0
# The user `node` by number: so Kubernetes can see that it is not root.
USER 1000:1000
EXPOSE 8888 8889
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["echobahn", "healthcheck"]
ENTRYPOINT ["echobahn"]
