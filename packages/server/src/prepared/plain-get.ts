/** The request whose answer may be a prepared one: a GET of HTTP/1.1, whole, alone, and with headers that ask for nothing special. */

export type PlainGet = {
  /** As it was sent, `/a?b`. */
  readonly target: string
  /** What the header `Host` says. */
  readonly host: string
  /** What the one header `Accept` says, where there is one. */
  readonly accept: string | undefined
}

/** Headers that change nothing in an answer of which there is one form. */
const harmless = new Set([
  'accept-encoding',
  'accept-language',
  'cache-control',
  'dnt',
  'origin',
  'pragma',
  'priority',
  'referer',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'user-agent',
])
const longestHead = 2_048
const start = 'GET '
const version = ' HTTP/1.1\r\n'
const end = '\r\n\r\n'
const field = /^([a-z-]{1,32}):[ \t]{0,8}([\x21-\x7e][\x20-\x7e]*)$/

/** Of one connection: most of its requests have the same headers, which are looked at once. */
export function createPlainGetReader(): (chunk: Buffer) => PlainGet | undefined {
  let known: (Omit<PlainGet, 'target'> & { readonly fields: string }) | undefined
  /** Such a request; `undefined` for all others, which are no worse for it. */
  return (chunk) => {
    if (chunk.length > longestHead) return undefined
    const text = chunk.toString('latin1')
    if (!text.startsWith(start)) return undefined
    const at = text.indexOf(version, start.length)
    if (at === -1) return undefined
    const fields = text.slice(at + version.length - 2)
    if (fields !== known?.fields) {
      const harmless = readHarmless(fields)
      if (harmless === undefined) return undefined
      known = { fields, ...harmless }
    }
    return { target: text.slice(start.length, at), host: known.host, accept: known.accept }
  }
}

/** @param fields With the end of the first line before them, and the empty line behind. */
function readHarmless(fields: string): Omit<PlainGet, 'target'> | undefined {
  if (fields.indexOf(end) !== fields.length - end.length) return undefined
  let host: string | undefined
  let accept: string | undefined
  for (const line of fields.slice(2, -end.length).split('\r\n')) {
    const colon = line.indexOf(':')
    const [, name, value = ''] = field.exec(line.slice(0, colon).toLowerCase() + line.slice(colon)) ?? []
    if (name === undefined) return undefined
    if (name === 'host') {
      if (host !== undefined || !/^[\w.:[\]-]{1,255}$/.test(value)) return undefined
      host = value
    } else if (name === 'connection') {
      if (value.toLowerCase() !== 'keep-alive') return undefined
    } else if (name === 'accept' && accept === undefined) accept = value
    else if (!harmless.has(name)) return undefined
  }
  return host === undefined ? undefined : { host, accept }
}
