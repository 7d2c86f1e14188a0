/** The programs of the stack as they are bundled. */
import { spawnSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { SourceMap } from 'node:module'
import path from 'node:path'
import t from 'tap'
import { bundlePrograms } from '../../scripts/programs/bundle.ts'
import { onlyOurLines } from '../../scripts/programs/line-maps.ts'

const main = `import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { fail, Kind, made } from 'theirs'
type Answer = { readonly text: string }

console.log(Kind.name, [made().name])
const worker = new Worker(new URL('./worker.ts', import.meta.url))
worker.on('message', (text: Answer['text']) => {
  console.log(text, ...[new URL('./beside.txt', import.meta.url), path.join(import.meta.dirname, 'beside.txt')].map((at) => readFileSync(at, 'utf8')))
  fail(() => {
    throw new Error('here')
  })
})
`

t.test('a program finds what it reads and starts, and its errors name lines of the sources', async (t) => {
  const root = t.testdir({
    theirs: {
      'package.json': '{ "name": "theirs", "type": "module", "exports": "./index.js" }',
      'index.js': `// A line.
export function fail(action) {
  action()
}
export class Kind {
  static made = () => Kind
}
export function made() {
  const each = () => 1
  return each
}
`,
    },
    packages: { signers: { src: { 'stretching.ts': 'export const stretching = { rounds: 1 }\n' } } },
    services: {
      some: {
        node_modules: {},
        src: {
          'main.ts': main,
          'beside.txt': 'beside',
          'worker.ts': `import { parentPort } from 'node:worker_threads'\nparentPort!.postMessage('thread')\n`,
        },
      },
    },
  })
  symlinkSync('../../../theirs', path.join(root, 'services/some/node_modules/theirs'))
  const folder = path.join(root, 'bundled')
  await bundlePrograms(root, folder)
  const words = ['--enable-source-maps', path.join(folder, 'some.js')]
  const { stdout, stderr, status } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  const [names, ...rest] = stdout.split('\n')
  t.equal(names, "Kind [ '' ]", 'a class keeps its name, and what is made for each call is given none')
  t.same(rest, ['thread beside beside', ''])
  t.equal(status, 1)
  t.match(stderr, `${path.join(root, 'services/some/src/main.ts')}:12:`)
  t.match(stderr, /at fail \(.*some\.js:\d+:\d+\)/, 'what is not ours keeps its place in the bundle')
})

t.test('of a map those marks stay at which another line of ours begins', async (t) => {
  // Ours at lines 0, 0 and 1 in one line of the bundle, then theirs, then ours again.
  const map = { version: 3, sources: ['ours', 'theirs'], mappings: 'AAAA,EAAE,EACA;;ACAA,CAAA;EDAE' }
  const kept = onlyOurLines(map, (source) => source === 'ours')
  t.same(kept.sources, ['ours', ''])
  const found = new SourceMap({ ...kept, file: '', names: [], sourcesContent: [], sourceRoot: '' })
  const at = (line: number, column: number) => {
    const entry = found.findEntry(line, column)
    return 'originalLine' in entry && entry.originalSource !== undefined
      ? `${entry.originalSource}:${entry.originalLine}`
      : undefined
  }
  t.equal(at(0, 0), 'ours:0')
  t.equal(at(0, 3), 'ours:0')
  t.equal(at(0, 4), 'ours:1')
  t.equal(at(2, 0), undefined, 'theirs')
  t.equal(at(2, 1), undefined)
  t.equal(at(3, 2), 'ours:1')
  t.throws(() => onlyOurLines({ ...map, mappings: 'A!' }, () => true), /base64 VLQ/)
})
