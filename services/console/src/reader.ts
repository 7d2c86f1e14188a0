/** Who reads, as far as pages differ by it. */
import { isLoopback } from '@sigstack/server'
import type { FastifyRequest } from 'fastify'
import type { Access } from './config.ts'
import type { Session } from './sign-in/sessions.ts'

export type Reader = {
  /** As the proxy or the issuer names them. */
  readonly name?: string
  /** By this console, which they can leave. */
  readonly isSignedIn?: boolean
  readonly role: 'reader' | 'operator'
  /** E-mail addresses, and bytes that hold them, are not shown. */
  readonly hidesAddresses: boolean
  /** What services say of themselves: of operators, or of everybody where nobody is told apart. */
  readonly seesDetails: boolean
  /** Alarms and watches of the monitor, which are personal data. */
  readonly seesAlarms: boolean
}

export type ReaderSettings = {
  readonly access: Access
  readonly hidesAddresses: boolean
  /** Where the console listens. */
  readonly host: string
}

export type Vouchers = {
  /** Whether a proxy at that address is believed. */
  isTrusted(address: string): boolean
  /** By the header `cookie`. */
  sessionOf(cookies: string | undefined): Session | undefined
}

/** Undefined for a request that nobody vouches for. */
export function readerOf(
  request: FastifyRequest,
  { access, hidesAddresses, host }: ReaderSettings,
  { isTrusted, sessionOf }: Vouchers,
): Reader | undefined {
  if (access.mode === 'open') {
    const seesAlarms = isLoopback(host) && isFromHere(request) && !hidesAddresses
    return { role: 'reader', hidesAddresses, seesDetails: true, seesAlarms }
  }
  if (access.mode === 'oidc') {
    const session = sessionOf(request.headers.cookie)
    return session && { ...named(session.name, session.role, hidesAddresses), isSignedIn: true }
  }
  const name = request.headers[access.userHeader]
  // The header of anybody else is what he says of himself.
  if (typeof name !== 'string' || name === '' || !isTrusted(request.socket.remoteAddress ?? ''))
    return undefined
  return named(name, access.operators.includes(name) ? 'operator' : 'reader', hidesAddresses)
}

function named(name: string, role: Reader['role'], hidesAddresses: boolean): Reader {
  const isReader = role === 'reader'
  return {
    name,
    role,
    hidesAddresses: hidesAddresses && isReader,
    seesDetails: !isReader,
    seesAlarms: !isReader,
  }
}

/**
 * Whether a request for an open console was made on this machine for this machine: neither for a name that was led to
 * loopback, by which a page from elsewhere would read along, nor through a proxy that says so.
 */
function isFromHere({ headers }: FastifyRequest): boolean {
  const host = URL.parse(`http://${headers.host ?? ''}`)
  return host !== null && isLoopback(host.hostname) && !Object.keys(headers).some(isOfProxy)
}

/** Headers by which proxies tell whom they speak for; no browser sends one. */
function isOfProxy(name: string): boolean {
  return (
    /^x-(?:forwarded|real|original|client|cluster-client|remote|proxyuser|envoy|azure)(?:-|$)/.test(name) ||
    /^(?:cf|true-client|fastly|fly|client|proxy)-|^(?:forwarded|via|cdn-loop)$/.test(name)
  )
}

/** The domain stays: it says whose people they are, and not who. A ref or a digest behind an @ is no domain. */
export function withoutAddresses(text: string): string {
  if (!text.includes('@')) return text
  return text.replace(/[^\s<>"'(),:;]+/g, (run) => {
    const parts = run.split('@')
    const hiding = parts.map((part, at) =>
      at < parts.length - 1 && isDomain(parts[at + 1] ?? '')
        ? `${part.slice(0, part.lastIndexOf('/') + 1)}…`
        : part,
    )
    return hiding.join('@')
  })
}

function isDomain(text: string): boolean {
  return /^[\w-]+(?:\.[\w-]|$)/.test(text) && !/^sha\d+$/.test(text)
}

/** The same of every text in what is shown; bytes and functions are left as they are. */
export function hidden<T>(value: T): T {
  if (typeof value === 'string') return withoutAddresses(value) as T
  if (Array.isArray(value)) return value.map(hidden) as T
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, hidden(member)])) as T
}
