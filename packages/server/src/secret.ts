/** Secrets of the environment. Loads nothing of the server, so that a tool may take it: `@sigstack/server/secret`. */
import { readFileSync } from 'node:fs'
import { decodeText, errorCode } from '@sigstack/crypto'
import { isSet } from './environment/is-set.ts'
import { ServerError } from './errors.ts'

export { isSet }

const SECRET_LIMIT_BYTES = 64 * 1024

/**
 * The secret `NAME`, or the content of the file that `NAME_FILE` names, without its last line end. Undefined when
 * neither is set or both are empty. Throws `secret_unreadable`; the message never holds the secret.
 */
export function readSecret(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
): string | undefined {
  const value = environment[name]
  const file = environment[`${name}_FILE`]
  if (isSet(value) && isSet(file)) {
    throw new ServerError('secret_unreadable', `${name} and ${name}_FILE are both set; keep one of them`)
  }
  if (!isSet(file)) return isSet(value) ? value : undefined
  let content: Buffer
  try {
    content = readFileSync(file)
  } catch (cause) {
    const code = errorCode(cause)
    throw new ServerError('secret_unreadable', `${name}_FILE names ${file}, which cannot be read (${code})`, {
      cause,
    })
  }
  if (content.length > SECRET_LIMIT_BYTES) {
    throw new ServerError('secret_unreadable', `${name}_FILE names ${file}, which is too large for a secret`)
  }
  const secret = textOf(content, `${name}_FILE names ${file}`).replace(/\r?\n$/, '')
  if (secret === '') {
    throw new ServerError('secret_unreadable', `${name}_FILE names ${file}, which is empty`)
  }
  return secret
}

/** Editors that mark a file as text put no part of the secret into it. */
function textOf(content: Buffer, named: string): string {
  try {
    return decodeText(content)
  } catch (cause) {
    throw new ServerError('secret_unreadable', `${named}, which is no text`, { cause })
  }
}
