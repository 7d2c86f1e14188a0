import { X509Certificate } from 'node:crypto'
import type { ListedAuthority } from '@sigstack/ca-authority'
import { escaped } from '@sigstack/crypto'
import type { AuthorityKind } from '../commands/authority-kind.ts'

function stateIn(
  { state, use }: { readonly state: string; readonly use: ListedAuthority['use'] },
  todo: string,
): string {
  if (state !== 'ready') return state
  return use === 'former' ? 'still published' : `published and ready to ${todo}`
}

/** One line for each authority, and below it one for each of its certificates. */
export function describeAuthorities(
  listed: readonly ListedAuthority[],
  kind: Pick<AuthorityKind, 'name' | 'does' | 'todo'>,
  json: boolean,
): string {
  const authorities = listed.map(({ name, state, use, chain = [] }) => ({
    name,
    state: state === 'issues' ? kind.does : state,
    use,
    certificates: chain.map(({ der, notBefore, notAfter }) => {
      const { subject, fingerprint256 } = new X509Certificate(der)
      return {
        subject: escaped(subject.split('\n').join(', '), 1000),
        notBefore: notBefore.toISOString(),
        notAfter: notAfter.toISOString(),
        sha256: fingerprint256,
      }
    }),
  }))
  if (json) return `${JSON.stringify(authorities)}\n`
  if (authorities.length === 0) return `The ${kind.name} has no authority yet; it makes one when it starts.\n`
  return authorities
    .map(({ name, state, use, certificates }) => {
      const lines = certificates.map(
        ({ subject, notBefore, notAfter, sha256 }) =>
          `  ${subject}\n    ${notBefore.slice(0, 10)} to ${notAfter.slice(0, 10)}, SHA-256 ${sha256}\n`,
      )
      return `${name}: ${use}, ${stateIn({ state, use }, kind.todo)}\n${lines.join('')}`
    })
    .join('\n')
}
