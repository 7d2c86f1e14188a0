/** `npm run generate`: the code of the protocol buffers anew, by the plugins in packages/server/buf.gen.yaml. */
import { spawnSync } from 'node:child_process'
import path from 'node:path'

/** Each folder has its messages in `proto`; their code goes into a `generated` there. */
const rooms = [
  { folder: 'packages/server', code: 'src/grpc' },
  { folder: 'services/ca', code: 'src/fulcio/grpc' },
  { folder: 'services/log', code: 'src/faces/rekor-v2/grpc' },
]
const bin = path.resolve('packages/server/node_modules/.bin')
const template = path.resolve('packages/server/buf.gen.yaml')
const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env['PATH']}` }

for (const { folder, code } of rooms)
  for (const [command = '', ...args] of [
    ['buf', 'generate', '--template', template, '--output', code],
    ['biome', 'check', '--write', `${code}/generated`],
  ]) {
    const { status } = spawnSync(command, args, { cwd: folder, env, stdio: 'inherit' })
    if (status !== 0) process.exit(status ?? 1)
  }
