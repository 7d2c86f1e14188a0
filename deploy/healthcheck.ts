/** HEALTHCHECK of every image: status 0 when the service in this container says that it is ready. */
const ports: Readonly<Record<string, string>> = {
  ca: process.env.CA_PORT ?? '5555',
  log: process.env.PORT ?? (process.env.LOG_FACE === 'ct' ? '6962' : '3000'),
  'oidc-proxy': process.env.OIDC_PROXY_PORT ?? '5557',
  trust: process.env.TRUST_PORT ?? '5559',
  'dev-issuer': process.env.DEV_ISSUER_PORT ?? '5558',
}
const url = `http://127.0.0.1:${ports[process.env.SERVICE ?? '']}/readyz`

try {
  const answer = await fetch(url, { signal: AbortSignal.timeout(4_000) })
  // The engine keeps the output, and `docker inspect` shows it.
  process.stdout.write(await answer.text())
  process.exit(answer.ok ? 0 : 1)
} catch (error) {
  process.stdout.write(`${url} does not answer: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
