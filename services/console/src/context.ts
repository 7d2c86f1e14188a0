/** What every room is given: the services, who reads, and how pages are sent. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from './config.ts'
import { html } from './html/html.ts'
import { layOut, type Page, type Site } from './html/page.ts'
import { sendPage } from './html/send.ts'
import type { LogName, Newest } from './log/newest.ts'
import type { Reader } from './reader.ts'
import type { CertificateSearch } from './search/certificates.ts'
import type { Searched } from './search/search.ts'
import type { Rekor } from './sources/rekor.ts'
import type { TrustSource } from './sources/trust.ts'

export type Context = {
  /** Undefined where the console is told of no log of Rekor v1. */
  readonly rekor?: Rekor
  /** Undefined where the console is told of no Rekor log. */
  readonly searched?: Searched
  /** Undefined where no certificates are searched. */
  readonly certificates?: CertificateSearch
  /** Of each log that is shown, in the order of pages. */
  readonly newest: ReadonlyMap<LogName, Newest>
  readonly trust: TrustSource
  readonly urls: Config['urls']
  readonly now: () => number
  /** Known for every request that reached a room. */
  readerOf(request: FastifyRequest): Reader
  /** Whether they would be let in now: for what is answered over a longer time. */
  mayStillRead(request: FastifyRequest): boolean
  wantsJson(request: FastifyRequest): boolean
  sendPage(request: FastifyRequest, reply: FastifyReply, page: Page, status?: number): Promise<FastifyReply>
  /** 404 with a sentence. */
  sendNothing(request: FastifyRequest, reply: FastifyReply, why: string): Promise<FastifyReply>
}

export type ContextParts = Pick<
  Context,
  'rekor' | 'searched' | 'certificates' | 'newest' | 'trust' | 'urls' | 'now'
> & {
  readonly site: Site
}

/** `readerNow`: whom a request is of, asked anew. */
export function createContext(
  parts: ContextParts,
  readers: WeakMap<FastifyRequest, Reader>,
  readerNow: (request: FastifyRequest) => Reader | undefined,
): Context {
  const readerOf = (request: FastifyRequest): Reader =>
    readers.get(request) ?? { role: 'reader', hidesAddresses: true, seesDetails: false, seesAlarms: false }
  const wantsJson = ({ headers: { accept = '' } }: FastifyRequest) =>
    accept.includes('application/json') && !accept.includes('text/html')
  const send: Context['sendPage'] = (request, reply, page, status = 200) =>
    sendPage(request, reply, layOut(page, parts.site, readerOf(request)), status)
  return {
    ...parts,
    readerOf,
    mayStillRead: (request) => readerNow(request) !== undefined,
    wantsJson,
    sendPage: send,
    sendNothing: async (request, reply, why) =>
      wantsJson(request)
        ? reply.code(404).send({ status: 404, detail: why })
        : send(request, reply, { title: 'Not found', body: html`<h1>Not found</h1><p>${why}</p>` }, 404),
  }
}
