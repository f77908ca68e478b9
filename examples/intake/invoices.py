"""Reads a month's invoices: a CSV file with the columns number, customer, currency and amount."""

import csv
from collections import defaultdict
from decimal import Decimal, InvalidOperation
from pathlib import Path


class InvoiceError(Exception):
    """A line of a file of invoices that can't be right."""


def total(path: Path) -> dict[str, str]:
    """What the invoices of a file come to, by currency. Raises `InvoiceError` at the first line that is wrong."""
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    seen: set[str] = set()
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for invoice in reader:
            where = f"{path.name}, line {reader.line_num}"
            if invoice["number"] in seen:
                raise InvoiceError(f"{where}: invoice {invoice['number']} is there twice")
            seen.add(invoice["number"])
            try:
                totals[invoice["currency"]] += Decimal(invoice["amount"])
            except InvalidOperation as error:
                raise InvoiceError(f"{where}: {invoice['amount']!r} is not an amount") from error
    return {currency: str(amount) for currency, amount in sorted(totals.items())}
