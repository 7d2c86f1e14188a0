import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { ask, jsonOf } from '../src/sources/ask.ts'

t.test('integers of an answer are exact, however long they are and wherever they stand', async (t) => {
  let text = ''
  const server = createServer((_request, response) => response.end(text))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const read = async (told: string) => {
    text = told
    const answer = await ask(url, '/')
    return answer && jsonOf(answer)
  }
  const large = 9_007_199_254_740_993n
  t.same(await read(`${large}`), large)
  t.same(await read(`{"a":\n\t -${large}}`), { a: -large })
  t.same(await read(`[1, ${large} ,"${large}"]`), [1, large, `${large}`])
  t.same(await read('[9007199254740991,12.5,1e20]'), [9_007_199_254_740_991, 12.5, 1e20])
  await t.rejects(read('{'), { code: 'malformed' })
})
