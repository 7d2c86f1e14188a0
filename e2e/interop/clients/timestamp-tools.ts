/** Tools for timestamps alone: OpenSSL, and the client of Sigstore's own timestamp authority. */
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { InteropError } from '../../support/interop-error.ts'
import type { Check, Client, Session, VerifyJob } from '../client.ts'

type Place = {
  readonly url: string
  /** Of the chain that stamps, in PEM. */
  readonly chain: string
  /** The certificate that stamps. */
  readonly leaf: string
  /** What is stamped, and the same with a change. */
  readonly file: string
  readonly altered: string
}

const kind = 'bundle'

export const openssl: Client = {
  name: 'openssl-ts',
  install: async ({ run }) => {
    const version = await run('openssl', ['version']).catch((cause: unknown) => {
      throw new InteropError('missing', 'there is no openssl on this machine', { cause })
    })
    return {
      version: version.stdout.split(' ')[1] ?? 'unknown',
      signers: [],
      verifiers: [],
      checks: [
        {
          name: 'has a file stamped, and verifies the stamp by request and by content',
          kind,
          run: stampByOpenssl,
        },
      ],
    }
  },
}

export const timestampCli: Client = {
  name: 'timestamp-cli',
  install: async ({ goInstall, versionOf }) => {
    const version = versionOf('timestamp-cli', 'v2.1.3')
    const program = await goInstall({
      name: 'timestamp-cli',
      module: 'github.com/sigstore/timestamp-authority/v2/cmd/timestamp-cli',
      version,
    })
    const check: Check = {
      name: 'has a file stamped, and verifies the stamp',
      kind,
      run: async (session, job) => {
        const { url, chain, leaf, file, altered } = await placeOf(session, job)
        const server = ['--timestamp_server', new URL(url).origin]
        for (const more of [[], ['--hash', 'sha512'], ['--nonce=false', '--certificate=false']]) {
          const stamp = path.join(session.folder, 'stamp.tsr')
          await session.run(program, ['timestamp', ...server, '--artifact', file, '--out', stamp, ...more])
          const verify = (content: string) => {
            const trust = ['--certificate', leaf, '--certificate-chain', chain]
            return session.run(program, ['verify', '--timestamp', stamp, '--artifact', content, ...trust])
          }
          await verify(file)
          await demandRefusal(() => verify(altered))
        }
      },
    }
    return { version, signers: [], verifiers: [], checks: [check] }
  },
}

async function stampByOpenssl(session: Session, job: VerifyJob): Promise<void> {
  const { url, chain, file, altered } = await placeOf(session, job)
  const [query, stamp] = ['query.tsq', 'stamp.tsr'].map((name) => path.join(session.folder, name)) as [
    string,
    string,
  ]
  for (const more of [['-cert'], ['-sha512', '-no_nonce'], ['-sha384', '-tspolicy', '1.3.6.1.4.1.57264.2']]) {
    await session.run('openssl', ['ts', '-query', '-data', file, ...more, '-out', query])
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/timestamp-query' },
      body: await readFile(query),
    })
    if (answer.status !== 200) throw new InteropError('failed', `the stamp was refused with ${answer.status}`)
    await writeFile(stamp, Buffer.from(await answer.arrayBuffer()))
    await verifyByOpenssl(session, chain, ['-queryfile', query, '-in', stamp])
    await verifyByOpenssl(session, chain, ['-data', file, '-in', stamp])
    await demandRefusal(() => verifyByOpenssl(session, chain, ['-data', altered, '-in', stamp]))
  }
}

async function verifyByOpenssl(session: Session, chain: string, what: readonly string[]): Promise<void> {
  await session.run('openssl', ['ts', '-verify', ...what, '-CAfile', chain, '-untrusted', chain])
}

async function demandRefusal(action: () => Promise<unknown>): Promise<void> {
  try {
    await action()
  } catch (error) {
    if (error instanceof InteropError && error.code === 'failed') return
    throw error
  }
  throw new InteropError('failed', 'a stamp of another file was accepted')
}

async function placeOf({ endpoints, folder }: Session, { file }: VerifyJob): Promise<Place> {
  const url = `${endpoints.services['tsa']}/api/v1/timestamp`
  const chain = path.join(folder, 'chain.pem')
  const altered = path.join(folder, 'altered')
  const leaf = path.join(folder, 'leaf.pem')
  const pem = await (await fetch(`${url}/certchain`)).text()
  const end = '-----END CERTIFICATE-----\n'
  await writeFile(chain, pem)
  await writeFile(leaf, pem.slice(0, pem.indexOf(end) + end.length))
  await writeFile(altered, 'altered\n')
  return { url, chain, leaf, file, altered }
}
