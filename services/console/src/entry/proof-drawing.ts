/** A proof as a drawing: the leaf or subtree at the bottom, the root on top, left and right as in the tree. */
import { toHex } from '@sigstack/crypto'
import type { Hash, InclusionStep } from '@sigstack/merkle'
import { type Html, html } from '../html/html.ts'

type Node = {
  readonly x: number
  readonly y: number
  readonly hash: Hash
  readonly role: 'leaf' | 'subtree' | 'given' | 'computed' | 'root'
}

const box = { width: 84, height: 24 }
const across = 50
const down = 52
/** Deeper ones are drawn without their middle; the table has all of it. */
const mostDrawn = 24

type Drawing = {
  readonly title: string
  /** Of the node below: a leaf, or a subtree. */
  readonly start: 'leaf' | 'subtree'
}

/** From a leaf to the root. The table beside it says the same in words. */
export function drawProof(leaf: Hash, steps: readonly InclusionStep[]): Html {
  const title = `The proof as a tree: ${steps.length} hashes lead from the leaf to the root.`
  return drawPath(leaf, steps, { title, start: 'leaf' })
}

/** From whatever stands below to the root. */
export function drawPath(below: Hash, steps: readonly InclusionStep[], { title, start }: Drawing): Html {
  const shown =
    steps.length > mostDrawn ? [...steps.slice(0, mostDrawn / 2), ...steps.slice(-mostDrawn / 2)] : steps
  const { nodes, lines } = layOut({ hash: below, role: start }, shown)
  const xs = nodes.map(({ x }) => x)
  const left = Math.min(...xs) - box.width / 2 - 4
  const width = Math.max(...xs) + box.width / 2 + 4 - left
  const height = shown.length * down + box.height + 8
  const cut = shown.length < steps.length ? (mostDrawn / 2 + 0.5) * down : undefined
  return html`<svg class="tree" viewBox="${left} -4 ${width} ${height}" width="${Math.min(width, 900)}" role="img" aria-labelledby="tree-title">
<title id="tree-title">${title} The table says the same.</title>
${lines.map((line) => html`<path class="branch" d="${line}"/>`)}
${nodes.map(drawNode)}
${cut !== undefined && html`<text class="cut" x="0" y="${height - cut}">${steps.length - mostDrawn} levels are left out here</text>`}
</svg>`
}

function drawNode({ x, y, hash, role }: Node): Html {
  const hex = toHex(hash)
  return html`<g class="node ${role}"><title>${role}: ${hex}</title><rect x="${x - box.width / 2}" y="${y}" width="${box.width}" height="${box.height}" rx="3"/><text x="${x}" y="${y + 16}">${hex.slice(0, 8)}</text></g>
`
}

/** From the root downwards, so that each parent stands between its children. */
function layOut(
  below: Pick<Node, 'hash' | 'role'>,
  steps: readonly InclusionStep[],
): { nodes: readonly Node[]; lines: readonly string[] } {
  const nodes: Node[] = []
  const lines: string[] = []
  let x = 0
  for (const [above, { sibling, side, hash }] of steps.toReversed().entries()) {
    const y = above * down
    nodes.push({ x, y, hash, role: above === 0 ? 'root' : 'computed' })
    const away = side === 'left' ? -across : across
    const below = y + down
    nodes.push({ x: x + away, y: below, hash: sibling, role: 'given' })
    for (const child of [x + away, x - away])
      lines.push(`M${x} ${y + box.height}V${y + box.height + 14}H${child}V${below}`)
    x -= away
  }
  nodes.push({ x, y: steps.length * down, ...below })
  return { nodes, lines }
}
