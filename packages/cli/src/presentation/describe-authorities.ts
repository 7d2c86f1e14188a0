import { X509Certificate } from 'node:crypto'
import type { ListedAuthority } from '@sigstack/stack'

/** One line for each authority, and below it one for each of its certificates. */
export function describeAuthorities(listed: readonly ListedAuthority[], json: boolean): string {
  const authorities = listed.map(({ name, state, chain = [] }) => ({
    name,
    state,
    certificates: chain.map(({ der, notBefore, notAfter }) => {
      const { subject, fingerprint256 } = new X509Certificate(der)
      return {
        subject: subject.split('\n').join(', '),
        notBefore: notBefore.toISOString(),
        notAfter: notAfter.toISOString(),
        sha256: fingerprint256,
      }
    }),
  }))
  if (json) return `${JSON.stringify(authorities, undefined, 2)}\n`
  if (authorities.length === 0) return 'The CA has no authority yet; it makes one when it starts.\n'
  return authorities
    .map(({ name, state, certificates }) => {
      const lines = certificates.map(
        ({ subject, notBefore, notAfter, sha256 }) =>
          `  ${subject}\n    ${notBefore.slice(0, 10)} to ${notAfter.slice(0, 10)}, SHA-256 ${sha256}\n`,
      )
      return `${name}: ${state}\n${lines.join('')}`
    })
    .join('\n')
}
