/** No regular expression of ours can be kept busy by what somebody sends: each gets a large text that is its worst input. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { expressionsOf } from '../support/source-expressions.ts'
import { badInput } from '../support/worst-inputs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

t.test('no expression takes more than linear time', { timeout: 900_000 }, async (t) => {
  const seen = new Set<string>()
  const files = globSync('{packages,services}/*/src/**/*.ts', { cwd: root })
  for (const file of files) {
    for (const found of expressionsOf(readFileSync(join(root, file), 'utf8'))) {
      const place = `${file}:${found.line}`
      if (found.kind === 'built') {
        t.fail(`${place}: an expression that is built at run time cannot be looked at`)
        continue
      }
      const expression = new RegExp(found.source, found.flags)
      if (seen.has(String(expression))) continue
      seen.add(String(expression))
      t.equal(badInput(expression), undefined, `${place} ${String(expression)}`)
    }
  }
  t.ok(seen.size > 100, `${seen.size} expressions`)
})
