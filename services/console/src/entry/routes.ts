/** Entries by what does not change: the UUID, or the index in the whole log. */
import { toBase64, toHex } from '@sigstack/crypto'
import type { FastifyInstance } from 'fastify'
import type { Context } from '../context.ts'
import { sendDownload } from '../html/send.ts'
import { hidden, type Reader } from '../reader.ts'
import { isUuid, type LoggedEntry } from '../sources/rekor.ts'
import { certificateData, proofData, signersData } from './data.ts'
import { entryPart } from './page.ts'
import { type EntryView, readEntry } from './read-entry.ts'
import { rebuildBundle } from './rebuild-bundle.ts'

type Named = { Params: { name: string } }

/** Of a log of Rekor v1; where the console is told of none, nothing is found. */
export function addEntryRoutes(app: FastifyInstance, context: Context): void {
  const { rekor, trust } = context

  async function find(name: string): Promise<LoggedEntry | undefined> {
    const lower = name.toLowerCase()
    if (isUuid(lower)) return rekor?.entry(lower)
    return /^\d{1,18}$/.test(name) ? rekor?.entryAt(BigInt(name)) : undefined
  }

  async function view(name: string): Promise<EntryView | undefined> {
    const [entry, { value: current }] = await Promise.all([find(name), trust.current()])
    return entry && readEntry(entry, current)
  }

  app.get<Named>('/entry/:name', async (request, reply) => {
    const reader = context.readerOf(request)
    const [, name = '', suffix] = /^([0-9A-Za-z]{1,80})(\.json)?$/.exec(request.params.name) ?? []
    const found = await view(name)
    if (found === undefined)
      return context.sendNothing(request, reply, 'The log has no entry of this name or index.')
    const shown = reader.hidesAddresses ? hidden(found) : found
    if (suffix !== undefined || context.wantsJson(request)) return reply.send(dataOf(shown, reader))
    const { uuid, logIndex } = shown.entry
    return context.sendPage(request, reply, {
      title: `Entry ${logIndex}`,
      room: 'search',
      body: entryPart(shown, reader.hidesAddresses),
      scripts: ['proof.js'],
      others: [{ name: 'JSON', href: `/entry/${uuid}.json`, type: 'application/json' }],
    })
  })

  const download = (
    what: string,
    name: string,
    bytesOf: (found: EntryView) => Uint8Array | string | undefined,
  ) =>
    app.get<Named>(`/entry/:name/${what}`, async (request, reply) => {
      const found = context.readerOf(request).hidesAddresses ? undefined : await view(request.params.name)
      const bytes = found && bytesOf(found)
      if (found === undefined || bytes === undefined)
        return context.sendNothing(
          request,
          reply,
          'There is no such part of an entry, or it is not for readers.',
        )
      return sendDownload(reply, `${found.entry.logIndex}${name}`, bytes)
    })
  download('body', '.body.json', ({ entry }) => entry.body)
  download('bundle', '.sigstore.json', rebuildBundle)
  download('attestation', '.attestation', ({ entry }) => entry.attestation)
}

function dataOf(
  { entry, body, certificate, statement, checks, origin, logUrl, leaf }: EntryView,
  reader: Reader,
) {
  return {
    uuid: entry.uuid,
    logIndex: String(entry.logIndex),
    integratedTime: new Date(entry.integratedTime * 1000).toISOString(),
    log: { origin, url: logUrl, id: toHex(entry.logId) },
    kind: body.kind,
    apiVersion: body.apiVersion,
    signers: signersData(body),
    certificate: certificate && certificateData(certificate),
    facts: body.facts,
    statement,
    checks,
    leafHash: toHex(leaf),
    proof: entry.proof && proofData(entry.proof),
    ...(!reader.hidesAddresses && { body: toBase64(entry.body) }),
  }
}
