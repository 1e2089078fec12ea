/** Places at which tests end the process, to see that whatever was left behind converges. */
export type Checkpoint = (
  point:
    | 'file-created'
    | 'file-written'
    | 'file-synced'
    | 'row-committed'
    | 'scan-claimed'
    | 'file-inspected'
    | 'file-scanned'
    | 'ticket-asked'
    | 'object-copied'
    | 'file-moved'
    | 'file-verified'
    | 'verdict-committed'
    | 'bytes-removed',
) => void;

export const passCheckpoint: Checkpoint = () => undefined;
