/** Where the check of an image asks whether its service is ready, and where the stack and the services themselves listen. */
import { variables as ca } from '@sigstack/ca'
import { variables as pages } from '@sigstack/console'
import { variables as devIssuer } from '@sigstack/dev-issuer'
import { readConfig as readLog } from '@sigstack/log'
import { variables as oidcProxy } from '@sigstack/oidc-proxy'
import { variables as trust } from '@sigstack/trust'
import { variables as tsa } from '@sigstack/tsa'
import { variables as witness } from '@sigstack/witness'
import t from 'tap'
import type { TSchema } from 'typebox'
import { readinessUrl } from '../../../deploy/healthcheck.ts'
import { readConfig } from '../src/config.ts'

const defaultOf = (schema: TSchema) => (schema as { readonly default?: number }).default

const logOf = (face: 'rekor-v1' | 'rekor-v2' | 'ct', more: Readonly<Record<string, string>> = {}) => ({
  LOG_FACE: face,
  LOG_HOSTNAME: 'log.example.org',
  LOG_KEY: '/key.pem',
  DATABASE_URL: 'postgresql://db/log',
  CT_ROOTS_FILE: '/roots.pem',
  ...more,
})

t.test('a port that is not set is the same for the service, its image and the stack', async (t) => {
  const stack = readConfig({}).ports
  const asked = (SERVICE: string, more = {}) => Number(readinessUrl({ SERVICE, ...more }).port)
  for (const [name, own, inStack, checked] of [
    ['ca', defaultOf(ca.properties.CA_PORT), stack.ca, asked('ca')],
    ['rekor', readLog(logOf('rekor-v1')).port, stack.rekor, asked('log')],
    ['rekor-v2', readLog(logOf('rekor-v2')).port, stack.rekorV2, asked('log', { LOG_FACE: 'rekor-v2' })],
    ['ct', readLog(logOf('ct')).port, stack.ct, asked('log', { LOG_FACE: 'ct' })],
    ['oidc-proxy', defaultOf(oidcProxy.properties.OIDC_PROXY_PORT), stack.oidcProxy, asked('oidc-proxy')],
    ['trust', defaultOf(trust.properties.TRUST_PORT), stack.trust, asked('trust')],
    ['tsa', defaultOf(tsa.properties.TSA_PORT), stack.tsa, asked('tsa')],
    ['console', defaultOf(pages.properties.CONSOLE_PORT), stack.console, asked('console')],
    ['dev-issuer', defaultOf(devIssuer.properties.DEV_ISSUER_PORT), stack.devIssuer, asked('dev-issuer')],
  ] as const) {
    t.ok(own, name)
    t.equal(inStack, own, `${name} in the stack`)
    t.equal(checked, own, `${name} in its image`)
  }
  t.equal(asked('witness'), defaultOf(witness.properties.WITNESS_PORT), 'which no stack starts')
})

t.test('what is set of the service counts for its check, by former names too', async (t) => {
  const urlOf = (variables: Readonly<Record<string, string>>) => readinessUrl(variables).href
  for (const more of [{ LOG_PORT: '81' }, { PORT: '81' }, { PORT: '82', LOG_PORT: '81' }]) {
    t.equal(readLog(logOf('ct', more)).port, 81)
    t.equal(urlOf({ SERVICE: 'log', LOG_FACE: 'ct', ...more }), 'http://127.0.0.1:81/readyz')
  }
  t.equal(urlOf({ SERVICE: 'trust', PORT: '81', TRUST_PORT: ' ' }), 'http://127.0.0.1:5559/readyz')
  t.equal(urlOf({ SERVICE: 'ca', CA_HOST: '::' }), 'http://127.0.0.1:5555/readyz')
  t.equal(urlOf({ SERVICE: 'ca', CA_HOST: 'fd00::1' }), 'http://[fd00::1]:5555/readyz')
  t.equal(urlOf({ SERVICE: 'ca', CA_TLS_CERTIFICATE_FILE: '/c' }), 'https://127.0.0.1:5555/readyz')
  t.throws(
    () => readinessUrl({}),
    /SERVICE must be one of ca, log, oidc-proxy, trust, tsa, witness, monitor, console, dev-issuer/,
  )
})
