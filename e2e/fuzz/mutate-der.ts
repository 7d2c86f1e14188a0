/** Changes to DER that leave the lengths around them right, so that they get past the first look. */
import { der } from '@sigstack/crypto'
import type { Random } from '../support/random.ts'
import { mutateBytes } from './mutate-bytes.ts'

type Node = { tag: number; content: Uint8Array; children: Node[] | undefined }

const tags = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x30, 0x31, 0x80, 0x81, 0x86, 0xa0, 0xa3,
]

export function mutateDer(input: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  const roots = parse(input, 0)
  if (roots === undefined || random.chance(0.15)) return mutateBytes(input, random, others)
  const all: { node: Node; siblings: Node[] }[] = []
  const walk = (siblings: Node[]): void => {
    for (const node of siblings) {
      all.push({ node, siblings })
      if (node.children !== undefined) walk(node.children)
    }
  }
  walk(roots)
  if (all.length === 0) return mutateBytes(input, random, others)
  for (let i = 0; i <= random.below(3); i++) change(random, all, others)
  return Buffer.concat(roots.map(encode))
}

function change(
  random: Random,
  all: readonly { node: Node; siblings: Node[] }[],
  others: readonly Uint8Array[],
): void {
  const { node, siblings } = random.pick(all)
  const index = siblings.indexOf(node)
  const other = structuredClone(random.pick(all).node)
  switch (random.below(9)) {
    case 0:
      node.tag = random.pick(tags)
      return
    case 1:
      if (index >= 0) siblings.splice(index, 1)
      return
    case 2:
      siblings.push(structuredClone(node))
      return
    case 3:
      siblings.splice(random.below(siblings.length + 1), 0, other)
      return
    case 4:
      if (index >= 0) siblings[index] = other
      return
    case 5:
      siblings.reverse()
      return
    case 6:
      node.children = undefined
      node.content = new Uint8Array(random.pick([0, 1, 2, 4, 20, 32, 128, 300, 5000])).fill(random.below(256))
      return
    case 7: {
      // Nested deeper than anybody means.
      let inner = structuredClone(node)
      for (let depth = 0; depth < random.pick([1, 10, 200]); depth++)
        inner = { tag: 0x30, content: new Uint8Array(), children: [inner] }
      if (index >= 0) siblings[index] = inner
      return
    }
    default:
      node.content = mutateBytes(node.children === undefined ? node.content : encode(node), random, others)
      node.children = undefined
  }
}

function encode({ tag, content, children }: Node): Uint8Array {
  return der(tag, children === undefined ? content : Buffer.concat(children.map(encode)))
}

/** A lax reader: what is no DER is left as it is. Strings of octets and bits are looked into. */
function parse(bytes: Uint8Array, depth: number): Node[] | undefined {
  const nodes: Node[] = []
  let at = 0
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0
    const first = bytes[at + 1]
    if (first === undefined) return undefined
    let length = first
    let header = 2
    if (first > 0x80 && first <= 0x83) {
      length = 0
      for (let i = 0; i < first - 0x80; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0)
      header += first - 0x80
    } else if (first >= 0x80) return undefined
    const content = bytes.subarray(at + header, at + header + length)
    if (content.length !== length) return undefined
    const isString = tag === 0x04 && content.length > 2
    const children = depth < 20 && ((tag & 0x20) !== 0 || isString) ? parse(content, depth + 1) : undefined
    nodes.push({ tag, content, children })
    at += header + length
  }
  return nodes
}
