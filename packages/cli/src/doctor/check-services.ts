/** Whether the services that sign are reached, by which way, and whether their clock is ours. */
import { parsePemBlocks, quoted, reasonOf, withoutEnd } from '@sigstack/crypto'
import {
  isCertificateTrouble,
  isWithoutConnections,
  networkReason,
  proxyAdvice,
  readProxyRules,
  requestBounded,
} from '@sigstack/http-client'
import type { SigningConfig } from '@sigstack/trust-root'
import { type Io, setting } from '../io.ts'
import { readLocation } from '../location.ts'
import { type Finding, failed, failedBy, ok, skipped, warning } from './finding.ts'

const timeoutMs = 10_000
const mostAwayMs = 30_000

type Target = { readonly what: string; readonly url: string }

export async function checkServices(io: Io, config: SigningConfig | undefined): Promise<readonly Finding[]> {
  const targets = config === undefined ? [] : targetsOf(config)
  const reached = isWithoutConnections()
    ? [skipped('services', 'no connections are to be made')]
    : await Promise.all(targets.map(checkTarget))
  return [...reached.flat(), ...(await checkNetwork(io, targets))]
}

function targetsOf(config: SigningConfig): readonly Target[] {
  const each = (what: string, list: SigningConfig['caUrls'], path: string): readonly Target[] =>
    list.map(({ url }) => ({ what, url: `${withoutEnd(url, '/')}${path}` }))
  return [
    ...each('certificate authority', config.caUrls, '/api/v2/configuration'),
    ...each('issuer of tokens', config.oidcUrls, '/.well-known/openid-configuration'),
    ...each('transparency log', config.rekorTlogUrls, ''),
    // It takes no GET; that it says so is enough.
    ...each('timestamp authority', config.tsaUrls, ''),
  ]
}

async function checkTarget({ what, url }: Target): Promise<readonly Finding[]> {
  const name = `${what} ${quoted(url, 200)}`
  try {
    const before = Date.now()
    const answer = await requestBounded(url, { timeoutMs, maxBytes: 1 << 20, ignoresBody: true })
    const clock = checkClock(answer.header('date'), before, Date.now(), url)
    if (answer.status >= 500)
      return [
        failed(
          'services',
          `${name} answers with status ${answer.status}`,
          'Tell its operators; its /readyz says why.',
        ),
        ...clock,
      ]
    const isPlain = url.startsWith('http:') ? ', without TLS' : ''
    return [ok('services', `${name} answers${isPlain}`), ...clock]
  } catch (error) {
    const reason = `${name} does not answer: ${networkReason(error)}`
    return [
      isCertificateTrouble(error)
        ? failed('services', reason, "NODE_EXTRA_CA_CERTS=FILE names your CA's certificates.")
        : failed(
            'services',
            reason,
            proxyAdvice(error) ??
              'Is the name right, does this machine reach it, is a proxy to be set (HTTPS_PROXY)?',
          ),
    ]
  }
}

/** Its header has whole seconds, and the answer took its time. */
function checkClock(
  date: string | undefined,
  before: number,
  after: number,
  url: string,
): readonly Finding[] {
  const theirs = Date.parse(date ?? '')
  if (Number.isNaN(theirs)) return []
  const awayMs = theirs < before ? before - theirs : theirs > after ? theirs - after : 0
  if (awayMs <= mostAwayMs) return [ok('clock', `that of ${new URL(url).host} agrees with this machine's`)]
  const way = theirs < before ? 'ahead of' : 'behind'
  return [
    failed(
      'clock',
      `this machine is ${Math.round(awayMs / 1000)} s ${way} ${new URL(url).host}`,
      'Set the clock (NTP): tokens and fresh certificates are valid for minutes.',
    ),
  ]
}

async function checkNetwork(io: Io, targets: readonly Target[]): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const rules = readProxyRules(io.environment)
  for (const origin of new Set(targets.map(({ url }) => new URL(url).origin)))
    try {
      const proxy = rules.proxyFor(new URL(origin))
      if (proxy !== undefined)
        findings.push(ok('network', `${origin} is asked through the proxy ${new URL(proxy).host}`))
    } catch (error) {
      findings.push(failedBy('network', 'the proxy', error, 'NO_PROXY lists names that are asked directly.'))
    }
  if (findings.length === 0) findings.push(ok('network', 'no proxy is in the way'))
  const extra = setting(io, 'NODE_EXTRA_CA_CERTS')
  if (extra !== undefined) findings.push(await checkCertificates(extra))
  else if (setting(io, 'SSL_CERT_FILE') !== undefined)
    findings.push(
      warning(
        'network',
        'SSL_CERT_FILE is set, which this tool does not read',
        'Set NODE_EXTRA_CA_CERTS to the same file.',
      ),
    )
  else findings.push(ok('network', 'no CA of your own is named (NODE_EXTRA_CA_CERTS)'))
  return findings
}

async function checkCertificates(file: string): Promise<Finding> {
  try {
    const blocks = parsePemBlocks(await readLocation(file, 'certificates'), 1000)
    return ok(
      'network',
      `your own CA: ${blocks.length === 1 ? 'one certificate' : `${blocks.length} certificates`} in ${quoted(file, 200)}`,
    )
  } catch (error) {
    return failed('network', `NODE_EXTRA_CA_CERTS: ${reasonOf(error)}`, 'Name a file of certificates in PEM.')
  }
}
