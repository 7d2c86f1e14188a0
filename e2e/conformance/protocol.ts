/** What the protocol of sigstore-conformance (its docs/cli_protocol.md) asks for, in the words of our tool. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

export const isProtocolCommand = (word: string | undefined): boolean =>
  word === 'sign-bundle' || word === 'verify-bundle'

/** `publicTrustedRoot` is that of the public instance, whose trust the protocol means where none is named. */
export function toolWords(given: readonly string[], publicTrustedRoot: string): readonly string[] {
  const [command, ...words] = given
  const { values, positionals } = parsed(words)
  const { bundle, staging } = values
  const [file, ...more] = positionals
  if (bundle === undefined || file === undefined || more.length > 0)
    throw new ProtocolError(`${command} takes --bundle and one file`)
  if (staging && values['trusted-root'] === undefined)
    throw new ProtocolError('the trust of the staging instance is not in this tree: name it, --trusted-root')
  const option = (name: Exclude<keyof typeof values, 'staging' | 'in-toto'>): readonly string[] => {
    const value = values[name]
    return value === undefined ? [] : [`--${name}=${value}`]
  }
  if (command === 'sign-bundle') {
    const what = values['in-toto'] ? ['attest-blob', `--statement=${file}`] : ['sign-blob']
    const how = ['identity-token', 'bundle', 'trusted-root', 'signing-config'] as const
    return [...what, ...how.flatMap(option), ...(values['in-toto'] ? [] : ['--', file])]
  }
  const whom = ['bundle', 'certificate-identity', 'certificate-oidc-issuer', 'key'] as const
  const trust = `--trusted-root=${values['trusted-root'] ?? publicTrustedRoot}`
  // What looks like a digest is a file where there is one of that name.
  const artifact = existsSync(file) ? path.resolve(file) : file
  return ['verify-blob', ...whom.flatMap(option), trust, '--', artifact]
}

function parsed(words: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        staging: flag,
        'in-toto': flag,
        'identity-token': text,
        bundle: text,
        'certificate-identity': text,
        'certificate-oidc-issuer': text,
        key: text,
        'trusted-root': text,
        'signing-config': text,
      },
    })
  } catch (cause) {
    throw new ProtocolError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
