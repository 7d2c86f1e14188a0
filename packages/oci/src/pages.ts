/**
 * Lists that come in pages, joined by `Link` headers: bounded, never in a circle, never from another host.
 */
import { escaped } from '@sigstack/crypto'
import { OciError } from './errors.ts'
import { nextLink } from './link.ts'
import { readWhole } from './manifests.ts'
import type { Answer, Call, Transport } from './transport.ts'

const mostPages = 1000

export type Page = { readonly answer: Answer; readonly bytes: Buffer }

/** The body of an answer that is no 200 is left to the caller, and nothing follows it. */
export async function* readPages(
  transport: Transport,
  call: Omit<Call, 'method'>,
  mostBytes: number,
): AsyncGenerator<Page> {
  const seen = new Set<string>()
  let path = call.path
  for (;;) {
    const answer = await transport.call({ ...call, method: 'GET', path })
    if (answer.status !== 200) {
      yield { answer, bytes: Buffer.alloc(0) }
      return
    }
    yield { answer, bytes: await readWhole(answer, mostBytes, call.what) }
    const link = nextLink(answer.header('link'))
    if (link === undefined) return
    const next = URL.parse(link, answer.url.href)
    if (next === null || next.host !== answer.url.host)
      throw new OciError(
        'bad_answer',
        `${answer.url.host} continues ${call.what} at ${escaped(link, 200)}, which is not its own`,
      )
    if (seen.has(next.href) || seen.size === mostPages)
      throw new OciError('too_large', `${answer.url.host} has no end of pages for ${call.what}`)
    seen.add(next.href)
    path = next
  }
}
