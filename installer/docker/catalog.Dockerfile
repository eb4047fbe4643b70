# The catalog, for trying out and as a pattern; its database is elsewhere (DATABASE_URL).
#
#   npm run build && docker build -f installer/docker/catalog.Dockerfile -t culvert-catalog dist
ARG BASE_IMAGE=node:24-bookworm-slim
FROM ${BASE_IMAGE}

LABEL org.opencontainers.image.title="culvert-catalog" \
      org.opencontainers.image.licenses="Apache-2.0"

ENV NODE_ENV=production

COPY --chown=0:0 culvert-catalog.mjs culvert-catalog.mjs.map LICENSES.txt /opt/culvert/
COPY --chown=0:0 migrations /opt/culvert/migrations
COPY --chown=0:0 web /opt/culvert/web

USER 10001:10001
WORKDIR /opt/culvert
STOPSIGNAL SIGTERM
EXPOSE 8090

HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8090/readyz', { signal: AbortSignal.timeout(4000) }).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]

ENTRYPOINT ["node", "/opt/culvert/culvert-catalog.mjs"]
CMD ["serve", "--port", "8090"]
