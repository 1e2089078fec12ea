import { Migration } from '@mikro-orm/migrations';

export class M0006Sweeps extends Migration {
  override up(): void {
    this.addSql(`
      create table sweep_run (
        name text not null,
        begun_at timestamptz not null,
        succeeded_at timestamptz null,
        swept int not null default 0,
        swept_total bigint not null default 0,
        last_error text null,
        constraint sweep_run_pkey primary key (name)
      )`);
  }

  override down(): void {
    this.addSql('drop table sweep_run');
  }
}
