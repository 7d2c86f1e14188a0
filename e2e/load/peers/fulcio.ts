/** Certificates of ours beside those of Fulcio with TesseraCT behind it, by the same tokens. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { closedLoop, openLoop } from '../../support/load.ts'
import { writeAuthority } from '../../support/upstream/ca-authority.ts'
import { startFulcio } from '../../support/upstream/fulcio.ts'
import { startTesseract } from '../../support/upstream/tesseract.ts'
import { installTool } from '../../support/upstream/tools.ts'
import { openRequester } from '../scenarios/certificates.ts'
import { holdContest, type Side } from './contest.ts'
import type { PeerContext } from './peers.ts'

type CaSide = Side & { readonly url: URL; next(): Buffer | undefined }

export async function besideFulcio(context: PeerContext): Promise<void> {
  const { bench, pids, workshop, folder, running, seconds, rounds } = context
  const fulcio = await installTool(workshop, 'fulcio')
  const tesseract = await installTool(workshop, 'tesseract')
  const own = path.join(folder, 'fulcio')
  await mkdir(own)
  const authority = await writeAuthority(own)
  const log = await startTesseract({
    command: tesseract.command,
    folder: path.join(folder, 'tesseract'),
    rootsFile: authority.rootFile,
  })
  running.defer(() => log.stop())
  const { issuer } = bench.stack().endpoints
  const configFile = path.join(own, 'issuers.yaml')
  const issuers = { [issuer]: { 'issuer-url': issuer, 'client-id': 'sigstore', type: 'email' } }
  await writeFile(configFile, `oidc-issuers: ${JSON.stringify(issuers)}\n`)
  const ca = await startFulcio({ command: fulcio.command, folder: own, authority, configFile, ctLog: log })
  running.defer(() => ca.stop())
  const loadOf = ({ url, next }: CaSide) => ({ url, next, seconds, status: 200 })
  await holdContest({
    title: 'certificates  P-256, token and proof of possession checked, SCT of a log that has it durably',
    sides: [
      { ...(await openRequester(bench)), name: 'ours', pids },
      {
        ...(await openRequester(bench, ca.url)),
        name: `Fulcio ${fulcio.version}, TesseraCT ${tesseract.version}`,
        pids: [ca.pid, log.pid],
      },
    ],
    loads: [
      ...context.certificateClients.map((clients) => ({
        name: `${clients} clients, ${seconds} s each`,
        run: (side: CaSide) => closedLoop({ ...loadOf(side), clients }),
      })),
      ...context.certificateRates.map((perSecond) => ({
        name: `open loop, ${perSecond}/s, ${seconds} s each`,
        run: (side: CaSide) => openLoop({ ...loadOf(side), perSecond, connections: 256 }),
      })),
    ],
    rounds,
    report: bench.report,
  })
}
