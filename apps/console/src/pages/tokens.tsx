import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { act } from '../api.ts';
import { Confirm } from '../parts/confirm.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { usePages } from '../parts/pages-of.ts';
import { Records } from '../parts/records.tsx';
import type { Column } from '../parts/records-view.tsx';
import { Time } from '../parts/time.tsx';
import { useAct } from '../parts/use-act.ts';
import { CreateToken } from './tokens/create-token.tsx';
import { TOKENS, type ApiToken } from './tokens/shapes.ts';

export default function Tokens() {
  const tokens = usePages<ApiToken>(TOKENS);
  const [isCreating, { open, close }] = useDisclosure();
  const end = useAct((id: string) => act('DELETE', `${TOKENS}/${id}`), {
    changes: [TOKENS],
    done: () => 'The token is ended.',
  });

  const columns: Column<ApiToken>[] = [
    { header: 'Name', cell: ({ name }) => name },
    { header: 'May', cell: ({ scopes }) => <span className="long">{scopes.join(', ')}</span> },
    { header: 'Last used', cell: ({ lastUsedAt }) => <Time at={lastUsedAt} /> },
    { header: 'Expires', cell: ({ expiresAt }) => <Time at={expiresAt} /> },
    {
      header: '',
      cell: ({ id, name }) => (
        <Confirm
          label="End"
          about={name}
          question={`Whatever uses the token ${name} will be refused from now on.`}
          onConfirm={() => end.mutate(id)}
          isBusy={end.isPending && end.variables === id}
        />
      ),
    },
  ];

  return (
    <>
      <PageHead title="API tokens" about="For programs: each may do only what its scopes name, and expires.">
        <Button size="xs" onClick={open}>
          New token
        </Button>
      </PageHead>
      <Records label="API tokens" columns={columns} query={tokens} keyOf={({ id }) => id} empty="No tokens." />
      <CreateToken opened={isCreating} onClose={close} />
    </>
  );
}
