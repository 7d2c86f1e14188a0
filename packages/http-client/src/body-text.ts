import { encodingOfMark } from '@sigstack/crypto'

/**
 * The text of a body, read as it says it is: by its byte order mark, else by the charset of its content type, else as
 * UTF-8. Bytes that are none of its letters become U+FFFD, as in most readers of JSON.
 */
export function bodyText(bytes: Uint8Array, contentType = ''): string {
  return new TextDecoder(encodingOfMark(bytes) ?? encodingOfType(contentType) ?? 'utf-8').decode(bytes)
}

/** Undefined where it names none, or one that nobody knows. */
function encodingOfType(contentType: string): string | undefined {
  for (const parameter of contentType.slice(0, 1000).split(';').slice(1)) {
    const [name = '', value = ''] = parameter.split('=')
    if (name.trim().toLowerCase() !== 'charset') continue
    try {
      return new TextDecoder(value.trim().replaceAll('"', '')).encoding
    } catch {
      return undefined
    }
  }
  return undefined
}
