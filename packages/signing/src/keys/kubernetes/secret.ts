/**
 * A pair of keys as a secret of a cluster, in the form of cosign: `cosign.key`, `cosign.pub`,
 * `cosign.password`.
 */
import { escaped, memberAt, parseBase64, parseUtf8, toBase64, utf8 } from '@sigstack/crypto'
import { type HttpAnswer, isCertificateTrouble, networkReason } from '@sigstack/http-client'
import { SigningError } from '../../errors.ts'
import type { Exchange } from '../../services/ask-service.ts'
import { type Cluster, readCluster } from './kubeconfig.ts'

export type KeySecret = {
  /** PEM, under `password`. */
  readonly privateKey: string
  readonly publicKey: string
  readonly password: string
}

type Place = { readonly namespace: string; readonly name: string }
export type World = {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly exchange: Exchange
}

const timeoutMs = 30_000
/** A secret has at most one. */
const maxBytes = 2 << 20

/** Throws `no_key`. */
export async function readKeySecret(place: Place, { environment, exchange }: World): Promise<KeySecret> {
  const cluster = await readCluster(environment)
  const url = `${secretsUrl(cluster, place)}/${place.name}`
  const answer = await ask(exchange, cluster, place, url)
  if (answer.status !== 200) throw refusal(place, answer)
  const text = (name: string): string => {
    const found = textFrom(memberAt(parse(answer), 'data', name))
    if (found === undefined) throw complaint(place, `has no ${name}`)
    return found
  }
  return {
    privateKey: text('cosign.key'),
    publicKey: text('cosign.pub'),
    password: text('cosign.password'),
  }
}

function textFrom(value: unknown): string | undefined {
  try {
    return typeof value === 'string' ? parseUtf8(parseBase64(value)) : undefined
  } catch {
    return undefined
  }
}

/** A new one, which nothing changes afterwards. Throws `no_key`, also where there is one of that name. */
export async function createKeySecret(
  place: Place,
  secret: KeySecret,
  { environment, exchange }: World,
): Promise<void> {
  const cluster = await readCluster(environment)
  const encode = (text: string): string => toBase64(utf8(text))
  const body = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: place.name, namespace: place.namespace },
    type: 'Opaque',
    immutable: true,
    data: {
      'cosign.key': encode(secret.privateKey),
      'cosign.pub': encode(secret.publicKey),
      'cosign.password': encode(secret.password),
    },
  }
  const answer = await ask(exchange, cluster, place, secretsUrl(cluster, place), JSON.stringify(body))
  if (answer.status === 409) throw complaint(place, 'exists already, and is not replaced')
  if (answer.status !== 201) throw refusal(place, answer)
}

function secretsUrl({ server }: Cluster, { namespace }: Place): string {
  return `${server}/api/v1/namespaces/${namespace}/secrets`
}

async function ask(
  exchange: Exchange,
  { tls, headers }: Cluster,
  place: Place,
  url: string,
  body?: string,
): Promise<HttpAnswer> {
  try {
    return await exchange(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        accept: 'application/json',
        ...headers,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body }),
      timeoutMs,
      maxBytes,
      tls,
    })
  } catch (cause) {
    const why = networkReason(cause)
    const told = isCertificateTrouble(cause) ? `its certificate is not trusted (${why})` : why
    throw complaint(place, `cannot be reached: the cluster at ${new URL(url).host}: ${told}`, cause)
  }
}

function parse(answer: HttpAnswer): unknown {
  try {
    return JSON.parse(answer.text())
  } catch {
    return undefined
  }
}

function refusal(place: Place, answer: HttpAnswer): SigningError {
  const said = memberAt(parse(answer), 'message')
  const reason = typeof said === 'string' ? `: ${escaped(said, 300)}` : ''
  return complaint(place, `is refused by the cluster (${answer.status})${reason}`)
}

function complaint({ namespace, name }: Place, what: string, cause?: unknown): SigningError {
  return new SigningError('no_key', `k8s://${namespace}/${name} ${what}`, { cause })
}
