/** Opens a store, writes, and closes it again: whether a contender can take part on this machine. Not measured. */
export async function probe(contender, job) {
  const store = await contender.open(job.folder);
  await store.set('key', 'value');
  await store.close();
  return {};
}
