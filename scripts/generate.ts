/** `npm run generate`: services/ca/src/fulcio/grpc/generated anew from services/ca/proto, by the plugins in its buf.gen.yaml. */
import { spawnSync } from 'node:child_process'
import path from 'node:path'

const folder = 'services/ca'
const bin = path.resolve(folder, 'node_modules/.bin')
const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env['PATH']}` }

for (const [command = '', ...args] of [
  ['buf', 'generate'],
  ['biome', 'check', '--write', 'src/fulcio/grpc/generated'],
]) {
  const { status } = spawnSync(command, args, { cwd: folder, env, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
