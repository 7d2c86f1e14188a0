/**
 * Gatekeeper as the judge of a policy, and the provider that it asks: it judges by the policy in the exported ConfigMap, with
 * the tool of this house.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { json } from 'node:stream/consumers'
import { memberAt, reasonOf } from '@sigstack/crypto'
import { InteropError } from '../../support/interop-error.ts'
import type { Session } from '../client.ts'
import { sigstackWords } from '../clients/sigstack.ts'
import { makeTlsFiles } from '../tls-ca.ts'
import { documentsIn, isOfKind } from './exported-documents.ts'
import type { Judge, Service } from './policy-judges.ts'
import { isAccepted } from './pushed-images.ts'

/** Answers of a provider in trouble, by the query of its URL. None of them may let an image run. */
const troubles: Readonly<Record<string, { readonly status: number; readonly response: object }>> = {
  silent: { status: 200, response: { idempotent: true } },
  failing: { status: 500, response: {} },
  elsewhere: { status: 200, response: { items: [{ key: 'registry.example/other', value: true }] } },
  broken: { status: 200, response: { systemError: 'no trust' } },
}

export function judgeByGatekeeper(program: string): Judge {
  return async ({ run }, folder, image) => {
    const exported = path.join(folder, 'gatekeeper.yaml')
    const documents = await documentsIn(exported)
    const policy = memberAt(documents.find(isOfKind('ConfigMap')), 'data', 'policy.yaml')
    await writeFile(path.join(folder, 'provided.yaml'), String(policy))
    const pod = path.join(folder, 'pod.json')
    const metadata = { name: 'tried', namespace: 'default' }
    const spec = { containers: [{ name: 'tried', image }] }
    await writeFile(pod, JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec }))
    await run(program, [exported, pod])
    const text = await readFile(exported, 'utf8')
    const url = String(memberAt(documents.find(isOfKind('Provider')), 'spec', 'url'))
    for (const trouble of Object.keys(troubles)) {
      const file = path.join(folder, `${trouble}.yaml`)
      await writeFile(file, text.replace(url, `${url}?${trouble}`))
      if (await isAccepted(async () => void (await run(program, [file, pod]))))
        throw new InteropError('failed', `lets it run by a provider that is ${trouble}`)
    }
  }
}

/** Its path is the folder below `folder` where the policy is. */
export async function startGatekeeperProvider(session: Session, folder: string): Promise<Service> {
  const tls = await makeTlsFiles(session, path.join(folder, 'provider'))
  const judge = async (key: string, policy: string): Promise<object> => {
    const [program = '', ...words] = sigstackWords
    try {
      await session.run(program, [...words, 'policy', 'test', policy, key])
      return { key, value: true }
    } catch (error) {
      return { key, error: reasonOf(error) }
    }
  }
  const answer = async (url: URL, body: unknown) => {
    const trouble = troubles[url.search.slice(1)]
    if (trouble !== undefined) return trouble
    const policy = path.join(folder, path.basename(url.pathname), 'provided.yaml')
    const keys = memberAt(body, 'request', 'keys')
    const items: object[] = []
    for (const key of Array.isArray(keys) ? keys : []) items.push(await judge(String(key), policy))
    return { status: 200, response: { idempotent: true, items } }
  }
  const server = createServer(
    { cert: await readFile(tls.certificatePath), key: await readFile(tls.keyPath) },
    (request, response) => {
      const url = new URL(request.url ?? '/', 'https://provider.invalid')
      const reply = async (): Promise<void> => {
        const { status, response: told } = await answer(url, await json(request))
        const head = { apiVersion: 'externaldata.gatekeeper.sh/v1beta1', kind: 'ProviderResponse' }
        response.writeHead(status).end(JSON.stringify({ ...head, response: told }))
      }
      reply().catch((cause: unknown) => response.destroy(new Error('not judged', { cause })))
    },
  )
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    words: (name) => [
      '--provider-url',
      `https://127.0.0.1:${port}/${name}`,
      '--provider-ca',
      tls.certificatePath,
    ],
    stop: () => new Promise((resolve) => void server.close(() => resolve())),
  }
}
