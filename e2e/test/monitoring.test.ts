/** The rules that come with the stack, by Prometheus's own tool. Whether their metrics exist is asked of a running stack in stack.test.ts. */
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import t from 'tap'

const folder = path.join(import.meta.dirname, '../../deploy/prometheus')
const promtool = (...words: readonly string[]) =>
  spawnSync('promtool', words, { cwd: folder, encoding: 'utf8' })
const skip = promtool('--version').error === undefined ? false : 'promtool is not installed'

t.test('alerts fire when they must, and not before', { skip }, async (t) => {
  for (const words of [
    ['check', 'config', 'prometheus.yml'],
    ['test', 'rules', 'rules.test.yml'],
  ]) {
    const { status, stdout, stderr } = promtool(...words)
    t.equal(status, 0, `${words.join(' ')}: ${stdout}${stderr}`)
  }
})
