/** The certificate and key of a server, from files that may change while it runs. */
import { readFile } from 'node:fs/promises'
import { createSecureContext, Server as TlsServer } from 'node:tls'
import { decodeText } from '@sigstack/crypto'
import type { FastifyInstance } from 'fastify'
import { SettingsError } from './environment/settings-error.ts'
import { ServerError } from './errors.ts'
import type { Logger } from './logger.ts'
import { type Reloading, type ReloadOptions, reloadFromFiles } from './reload.ts'

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

/** For services without reloads of other kinds: tells of new pairs, and of those with a fault. */
export function followTls(
  app: Pick<FastifyInstance, 'server'>,
  files: TlsFiles,
  options: { readonly initial: TlsIdentity; readonly logger: Logger },
): Promise<Reloading<TlsIdentity>> {
  const { initial, logger } = options
  const reload = tlsReload(app, files, initial)
  return reloadFromFiles({
    ...reload,
    onReload(identity) {
      reload.onReload(identity)
      logger.info('the changed certificate took effect')
    },
    onFault: (error) =>
      logger.error({ err: error }, 'the changed certificate has a fault; the one before stays in force'),
  })
}

/** The pair that `PREFIX_TLS_CERTIFICATE_FILE` and `PREFIX_TLS_KEY_FILE` name; undefined where neither is set. */
export function tlsFilesOf(
  prefix: string,
  certificatePath: string | undefined,
  keyPath: string | undefined,
): TlsFiles | undefined {
  if (certificatePath === undefined && keyPath === undefined) return undefined
  if (certificatePath === undefined || keyPath === undefined)
    throw new SettingsError([
      `${prefix}_TLS_CERTIFICATE_FILE and ${prefix}_TLS_KEY_FILE belong together; set both or neither`,
    ])
  return { certificatePath, keyPath }
}

async function read(path: string): Promise<string> {
  try {
    return decodeText(await readFile(path))
  } catch (cause) {
    throw new ServerError('tls_unusable', `${path} cannot be read`, { cause })
  }
}
