/** nginx and Go's file server: what gives out files, given the bytes that our log gives out. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { freePorts } from '@sigstack/server/free-ports'
import { answers, type Program, startProgram } from '../../support/program.ts'
import { runToEnd } from '../../support/run-command.ts'

export type FileServer = Program & { readonly name: string; readonly url: string }

/** Answers below `/`: `folder` holds the files, `own` what the server writes; `probe` is a path that it has. */
type Start = (options: {
  readonly folder: string
  readonly own: string
  readonly probe: string
}) => Promise<FileServer>

const environment = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' }

export const startNginx: Start = async ({ folder, own, probe }) => {
  const said = await runToEnd('nginx', ['-v'], { environment, folder, timeoutMs: 10_000 })
  await mkdir(own, { recursive: true })
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const configuration = path.join(own, 'nginx.conf')
  await writeFile(configuration, nginxConfiguration(port, folder, own))
  const program = await startProgram({
    name: 'nginx',
    command: 'nginx',
    args: ['-p', own, '-e', path.join(own, 'error.log'), '-c', configuration],
    logFile: path.join(own, 'nginx.log'),
    isReady: () => answers(`${url}${probe}`),
  })
  const version = /nginx\/([\d.]+)/.exec(said.stderr)?.[1] ?? ''
  return { ...program, name: `nginx ${version}`, url }
}

/** A worker a core, and nothing done for a request but what it needs. */
function nginxConfiguration(port: number, folder: string, own: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${path.join(own, name)};\n`,
  )
  return `${process.getuid?.() === 0 ? 'user root;\n' : ''}daemon off;
worker_processes auto;
pid ${path.join(own, 'nginx.pid')};
events { worker_connections 4096; }
http {
${temporary.join('')}  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  open_file_cache max=1000 inactive=600s;
  open_file_cache_valid 600s;
  default_type application/octet-stream;
  server {
    listen 127.0.0.1:${port};
    root ${folder};
  }
}
`
}

const goSource = new URL('./go-file-server/main.go', import.meta.url).pathname

export const startGoFileServer: Start = async ({ folder, own, probe }) => {
  await mkdir(own, { recursive: true })
  const command = path.join(own, 'go-file-server')
  const go = (words: readonly string[]) =>
    runToEnd('go', words, { environment, folder: own, timeoutMs: 300_000 })
  const { status, stderr } = await go(['build', '-o', command, goSource])
  if (status !== 0) throw new Error(`Go's file server was not built: ${stderr.slice(0, 500)}`)
  const [, version = ''] = /go([\d.]+)/.exec((await go(['version'])).stdout) ?? []
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const program = await startProgram({
    name: `Go's file server`,
    command,
    args: [`127.0.0.1:${port}`, folder],
    logFile: path.join(own, 'go.log'),
    isReady: () => answers(`${url}${probe}`),
  })
  return { ...program, name: `Go ${version} file server`, url }
}
