/** The request is not the message that it should be. The message is for the requester. */
export class MessageError extends Error {
  override readonly name = 'MessageError'
}
