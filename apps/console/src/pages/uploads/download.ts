import { problemOf } from '#client/problem.ts';
import { client } from '../../api.ts';

/** Saves a clean file: a link alone could not carry the token. @throws ClientProblem */
export async function download(id: string, name: string): Promise<void> {
  const response = await client.fetch(`/api/uploads/${id}/content`);
  if (!response.ok) throw await problemOf(response);
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
