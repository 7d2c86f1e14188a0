import { readFileSync } from 'node:fs'
import { ServerError } from './errors.ts'

const SECRET_LIMIT_BYTES = 64 * 1024

/**
 * The secret `NAME`, or the content of the file that `NAME_FILE` names, without its last line end. Undefined when
 * neither is set or both are empty. Throws `secret_unreadable`; the message never holds the secret.
 */
export function readSecret(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
): string | undefined {
  const value = environment[name] ?? ''
  const file = environment[`${name}_FILE`] ?? ''
  if (value !== '' && file !== '') {
    throw new ServerError('secret_unreadable', `${name} and ${name}_FILE are both set; keep one of them`)
  }
  if (file === '') return value === '' ? undefined : value
  let content: Buffer
  try {
    content = readFileSync(file)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new ServerError('secret_unreadable', `${name}_FILE names ${file}, which cannot be read (${code})`, {
      cause,
    })
  }
  if (content.length > SECRET_LIMIT_BYTES) {
    throw new ServerError('secret_unreadable', `${name}_FILE names ${file}, which is too large for a secret`)
  }
  const secret = content.toString('utf8').replace(/\r?\n$/, '')
  if (secret === '') {
    throw new ServerError('secret_unreadable', `${name}_FILE names ${file}, which is empty`)
  }
  return secret
}
