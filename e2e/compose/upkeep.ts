/** What an operator runs beside the services: the `sigstack` command in a container of its own. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { lastLine, runCommand } from './engine.ts'
import { type Project, root } from './project.ts'

/** Throws unless the log is sound, holds what was signed, and the thread of its search index has come to the end. */
export async function auditLog(project: Project, { signed }: { readonly signed: number }): Promise<void> {
  const options = ['--checkpoint', 'http://rekor:3000/checkpoint', '--quiet', '--json']
  const output = await project.compose('run', '--rm', 'sigstack', 'log', 'audit', ...options)
  const { verdict, checked, indexedEntries } = JSON.parse(lastLine(output))
  const seen = `${verdict}, ${checked.entries} entries, ${indexedEntries} indexed, ${checked.checkpoints} checkpoint`
  // The first one is the log's own.
  const entries = 1 + signed
  const expected = `sound, ${entries} entries, ${entries} indexed, 1 checkpoint`
  if (seen !== expected) throw new Error(`the audit said "${seen}" and not "${expected}"`)
}

/** Throws unless both logs become files that are whole, and belong to the user who runs this. */
export async function backUpLogs(project: Project, parent: string): Promise<void> {
  const folder = path.join(parent, 'backup')
  await mkdir(folder, { mode: 0o700 })
  const user = `${process.getuid?.()}:${process.getgid?.()}`
  for (const { log, database } of [
    { log: 'rekor-v1', database: 'rekor' },
    { log: 'ct', database: 'ct' },
  ]) {
    const options = ['--user', user, '--volume', `${folder}:/backup`]
    const variable = `DATABASE_URL_FILE=/run/secrets/${database}_database_url`
    const words = ['log', 'backup', '--log', log, `/backup/${log}.backup`]
    await project.compose('run', '--rm', ...options, '-e', variable, 'sigstack', ...words)
    await verifyBackup(path.join(folder, `${log}.backup`))
  }
}

async function verifyBackup(file: string): Promise<void> {
  const command = path.join(root, 'packages/cli/src/main.ts')
  const { status, output } = await runCommand(process.execPath, [command, 'log', 'verify-backup', file])
  if (status !== 0) throw new Error(`${file}: ${lastLine(output)}`)
}
