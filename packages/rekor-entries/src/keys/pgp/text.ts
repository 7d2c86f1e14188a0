/** Line ends of signed text (RFC 9580 section 5.2.1.2): CR and LF, however they came. */
export function withCrLf(text: Uint8Array): Uint8Array {
  let bare = 0
  for (let at = 0; at < text.length; at++) if (isBare(text, at)) bare++
  const whole = new Uint8Array(text.length + bare)
  let end = 0
  for (let at = 0; at < text.length; at++) {
    if (isBare(text, at)) whole[end++] = 0x0d
    whole[end++] = text[at] ?? 0
  }
  return whole
}

function isBare(text: Uint8Array, at: number): boolean {
  return text[at] === 0x0a && text[at - 1] !== 0x0d
}
