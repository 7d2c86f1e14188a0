/** The certificate and key of a server, from files that may change while it runs. */
import { readFile } from 'node:fs/promises'
import { createSecureContext, Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { ServerError } from './errors.ts'
import type { ReloadOptions } from './reload.ts'

export type TlsFiles = { readonly certificatePath: string; readonly keyPath: string }

/** PEM: the server's certificate with those above it, and its private key. */
export type TlsIdentity = { readonly cert: string; readonly key: string }

/** Also what later contexts keep to. */
export const tlsMinimum = 'TLSv1.2'

/** Throws a {@link ServerError} `tls_unusable` whose message never holds the key. */
export async function readTlsFiles({ certificatePath, keyPath }: TlsFiles): Promise<TlsIdentity> {
  const [cert, key] = await Promise.all([read(certificatePath), read(keyPath)])
  try {
    createSecureContext({ cert, key, minVersion: tlsMinimum })
  } catch (cause) {
    throw new ServerError(
      'tls_unusable',
      `${certificatePath} and ${keyPath} are no certificate and private key in PEM that belong together`,
      { cause },
    )
  }
  return { cert, key }
}

/** For `reloadFromFiles`: gives `app`'s server each new pair of the files; connections that are open keep theirs. */
export function tlsReload(
  app: Pick<FastifyInstance, 'server'>,
  files: TlsFiles,
  initial: TlsIdentity,
): ReloadOptions<TlsIdentity> & { readonly onReload: (identity: TlsIdentity) => void } {
  return {
    paths: () => [files.certificatePath, files.keyPath],
    initial,
    load: () => readTlsFiles(files),
    onReload(identity) {
      const server: object = app.server
      if (server instanceof TlsServer) server.setSecureContext({ ...identity, minVersion: tlsMinimum })
    },
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new ServerError('tls_unusable', `${path} cannot be read`, { cause })
  }
}
