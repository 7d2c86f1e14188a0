/** Two heads of a log compared: the older one is brought by whoever asks, and stands in the address of the answer. */
import { toHex } from '@sigstack/crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import { formIn } from '../html/form.ts'
import { type Comparison, compare, type SignedHead } from './compare.ts'
import { newerHead } from './newer-head.ts'
import { type ConsistencyForm, consistencyPart } from './page.ts'
import { NoteError, readNote, shortNote } from './read-note.ts'

const path = '/log/consistency'
const longestBrought = 65_536

export function addConsistencyRoutes(app: FastifyInstance, context: Context): void {
  app.get(path, async (request, reply) => {
    const brought = broughtIn(request)
    if (brought === '') return send(request, reply, { brought })
    const found = await comparisonOf(brought)
    return typeof found === 'string'
      ? send(request, reply, { brought, fault: found }, undefined, 400)
      : send(request, reply, { brought: '' }, found)
  })

  app.get(`${path}.json`, async (request, reply) => {
    const found = await comparisonOf(broughtIn(request))
    if (typeof found === 'string') return reply.code(400).send({ status: 400, detail: found })
    return reply.send(dataOf(found))
  })

  // What was brought may be long; its head has room in an address.
  app.post(path, { bodyLimit: 4 * longestBrought }, async (request, reply) => {
    const brought = (formIn(request).get('head') ?? '').slice(0, longestBrought)
    try {
      return reply.redirect(`${path}?head=${encodeURIComponent(shortNote(readNote(brought)))}`, 303)
    } catch (error) {
      if (!(error instanceof NoteError)) throw error
      return send(request, reply, { brought, fault: error.message }, undefined, 400)
    }
  })

  /** A sentence where nothing can be compared. */
  async function comparisonOf(brought: string): Promise<Comparison | string> {
    let older: SignedHead
    try {
      const head = readNote(brought)
      older = { note: shortNote(head), head }
    } catch (error) {
      if (!(error instanceof NoteError)) throw error
      return error.message
    }
    const [heads, { value: trust }] = await Promise.all([newerHead(context, older), context.trust.current()])
    if (heads === undefined)
      return `no log of the origin ${older.head.origin.slice(0, 200)} is shown here, or it does not answer now`
    return compare(heads, trust)
  }

  function send(
    request: FastifyRequest,
    reply: FastifyReply,
    form: ConsistencyForm,
    found?: Comparison,
    status = 200,
  ): Promise<FastifyReply> {
    const title = 'Has the log only grown?'
    const scripts = ['consistency.js']
    const others =
      found === undefined
        ? []
        : [{ name: 'JSON', href: `${path}.json${request.url.slice(request.url.indexOf('?'))}` }]
    return context.sendPage(
      request,
      reply,
      { title, room: 'log', body: consistencyPart(form, found), scripts, others },
      status,
    )
  }
}

function broughtIn({ query }: FastifyRequest): string {
  const { head } = query as Readonly<Record<string, unknown>>
  return typeof head === 'string' ? head.slice(0, longestBrought) : ''
}

function dataOf({ kind, older, newer, hashes, checks }: Comparison) {
  const told = ({ note, head }: Comparison['older']) => ({
    size: String(head.treeHead.size),
    rootHash: toHex(head.treeHead.rootHash),
    note,
  })
  return {
    log: { kind, origin: newer.head.origin },
    older: told(older),
    newer: told(newer),
    hashes: hashes.map(toHex),
    checks,
  }
}
