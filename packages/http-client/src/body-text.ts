import { encodingOfMark } from '@sigstack/crypto'

/**
 * The text of a body, read as it says it is: by its byte order mark, else by the charset of its content type, else as
 * UTF-8. Bytes that are none of its letters become U+FFFD, as in most readers of JSON.
 */
export function bodyText(bytes: Uint8Array, contentType = ''): string {
  const encoding = encodingOfMark(bytes) ?? encodingOfType(contentType) ?? usual.encoding
  return (encoding === usual.encoding ? usual : new TextDecoder(encoding)).decode(bytes)
}

/** Of nearly every body; making one costs more than what it does. */
const usual = new TextDecoder('utf-8')

/** Undefined where it names none, or one that nobody knows. */
function encodingOfType(contentType: string): string | undefined {
  for (const parameter of contentType.slice(0, 1000).split(';').slice(1)) {
    const [name = '', value = ''] = parameter.split('=')
    if (name.trim().toLowerCase() !== 'charset') continue
    const label = value.trim().replaceAll('"', '').toLowerCase()
    if (label === usual.encoding) return label
    try {
      return new TextDecoder(label).encoding
    } catch {
      return undefined
    }
  }
  return undefined
}
