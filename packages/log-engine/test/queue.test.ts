import t from 'tap'
import { createQueue } from '../src/queue.ts'

t.test('a batch that fails, now or later, is told and does not keep the next ones waiting', async (t) => {
  const ran: string[] = []
  const told: unknown[] = []
  const queue = createQueue<string>({
    batchItems: 1,
    batchBytes: 1,
    sizeOf: () => 1,
    run: async ([item = '']) => {
      ran.push(item)
      if (item.startsWith('bad')) throw new Error(item)
    },
    onError: (error) => told.push((error as Error).message),
  })
  queue.push('bad 1')
  queue.push('good 1')
  await new Promise((resolve) => setImmediate(resolve))
  queue.push('bad 2')
  queue.push('good 2')
  await queue.close()
  t.strictSame(ran, ['bad 1', 'good 1', 'bad 2', 'good 2'])
  t.strictSame(told, ['bad 1', 'bad 2'])
})
