import { Migration } from '@mikro-orm/migrations';

export class M0005Limits extends Migration {
  override up(): void {
    this.addSql(`
      create table limiter_counter (
        key text not null,
        points int not null,
        expires_at timestamptz not null,
        constraint limiter_counter_pkey primary key (key)
      ) with (fillfactor = 70)`);
    this.addSql('create index limiter_counter_end on limiter_counter (expires_at)');
  }

  override down(): void {
    this.addSql('drop table limiter_counter');
  }
}
