/** Upstream's CA over keys in files, with a CT log behind it. */
import path from 'node:path'
import { freePorts } from '@sigstack/server/free-ports'
import { answers, type Program, startProgram } from '../program.ts'
import type { AuthorityFiles } from './ca-authority.ts'

export async function startFulcio(options: {
  readonly command: string
  readonly folder: string
  readonly authority: AuthorityFiles
  /** Its issuers, in its own format. */
  readonly configFile: string
  readonly ctLog: { readonly url: string; readonly keyFile: string }
}): Promise<Program & { readonly url: string }> {
  const { command, folder, authority, configFile, ctLog } = options
  const [port = 0, grpcPort = 0, metricsPort = 0] = await freePorts(3)
  const url = `http://127.0.0.1:${port}`
  const program = await startProgram({
    name: 'fulcio',
    command,
    args: [
      'serve',
      '--host=127.0.0.1',
      `--port=${port}`,
      '--grpc-host=127.0.0.1',
      `--grpc-port=${grpcPort}`,
      `--metrics-port=${metricsPort}`,
      `--legacy-unix-domain-socket=${path.join(folder, 'legacy.sock')}`,
      '--ca=fileca',
      `--fileca-cert=${authority.chainFile}`,
      `--fileca-key=${authority.keyFile}`,
      `--fileca-key-passwd=${authority.password}`,
      '--fileca-watch=false',
      `--ct-log-url=${ctLog.url}`,
      `--ct-log-public-key-path=${ctLog.keyFile}`,
      `--config-path=${configFile}`,
    ],
    logFile: path.join(folder, 'fulcio.log'),
    isReady: () => answers(`${url}/healthz`),
  })
  return { ...program, url }
}
