/**
 * What a Kubernetes cluster wants to see of whoever asks its own issuer for keys: the token of a service account, here the
 * one of our pod. Files of such tokens are replaced within the hour, so they are read for each request.
 */
import { readFile } from 'node:fs/promises'
import { decodeText, errorCode } from '@sigstack/crypto'
import type { Issuer } from '../issuers/issuer.ts'
import { UpstreamError } from './upstream-error.ts'

/** Where each pod finds them. */
const podFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

export type ServiceAccountFiles = {
  /** Undefined: the pod's, where there is one. */
  readonly token?: string | undefined
  readonly ca?: string | undefined
}

export type ServiceAccount = {
  /** The token for this request, if it is one for the issuer itself: nobody else sees it. */
  tokenFor(issuer: Issuer, target: URL): Promise<string | undefined>
  /** PEM of the cluster's CA, for issuers that are the cluster's. */
  caFor(issuer: Issuer): Promise<string | undefined>
}

const longestToken = 16 * 1024

export function createServiceAccount(files: ServiceAccountFiles = {}): ServiceAccount {
  return {
    async tokenFor({ url, entry }, target) {
      if (!entry.serviceAccountToken || target.origin !== URL.parse(url)?.origin) return undefined
      const text = await read(files.token, 'token')
      const token = text?.trim()
      if (token !== undefined && (token.length > longestToken || !/^[\x21-\x7e]+$/.test(token)))
        throw new UpstreamError('unreachable', `${files.token ?? podFolder} holds no service account token`)
      return token
    },
    caFor: async ({ entry }) => (entry.serviceAccountToken ? read(files.ca, 'ca.crt') : undefined),
  }
}

async function read(file: string | undefined, name: string): Promise<string | undefined> {
  try {
    return decodeText(await readFile(file ?? `${podFolder}/${name}`))
  } catch (cause) {
    if (file === undefined) return undefined
    const code = errorCode(cause) ?? 'unknown reason'
    throw new UpstreamError('unreachable', `${file}, of the service account, cannot be read (${code})`, {
      cause,
    })
  }
}
