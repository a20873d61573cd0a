"""Findings in words: what is wrong, and what would be right, in the reader's language."""

from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.listing.values import Explanation, Finding

Sentences = tuple[str, str]

_CONTAINER: dict[str, Sentences] = {
    "not_a_zip": (_l("This is not a zip file that can be read."), _l("Zip the folder again and upload it.")),
    "container_too_large": (_l("The file is too large."), _l("At most %(right)s bytes.")),
    "too_many_files": (_l("There are too many files: %(value)s."), _l("At most %(right)s.")),
    "too_large": (_l("The files are too large together."), _l("At most %(right)s bytes unpacked.")),
    "file_too_large": (_l("The file is too large."), _l("At most %(right)s bytes.")),
    "file_twice": (_l("Two files have this name."), _l("Keep one of them.")),
    "symbolic_link": (_l("This is a link, not a file."), _l("Put the file itself into the folder.")),
    "encrypted": (_l("The file is encrypted."), _l("Zip it without a password.")),
    "bursting": (
        _l("The file grows far too much when it is unpacked."),
        _l("At most %(right)s times its packed size."),
    ),
    "path": (_l("The path leads out of the catalog or cannot be read."), _l("Use plain names below the catalog.")),
    "unknown_file": (_l("Files of this kind are not part of a catalog."), _l("One of: %(right)s.")),
    "file_not_used": (_l("Nothing refers to this file."), _l("Remove it, or name it where it belongs.")),
    "file_missing": (_l("The file is missing."), _l("Add it.")),
    "empty_file": (_l("The file is empty."), _l("Add its content.")),
    "not_utf8": (_l("The text is not in UTF-8."), _l("Save the file as UTF-8.")),
    "not_toml": (_l("The file cannot be read as TOML: %(value)s"), _l("Mend the line.")),
    "not_csv": (_l("The file cannot be read as comma-separated values."), _l("Mend the line.")),
    "not_a_pdf": (_l("The file is not a PDF."), _l("Save it as PDF.")),
    "no_product": (_l("The catalog has no product."), _l("Add %(right)s.")),
    "document_missing": (_l("The document %(value)s is not in the catalog."), _l("Add %(right)s.")),
}

_FIELDS: dict[str, Sentences] = {
    "missing": (_l("The field is missing."), _l("Add it.")),
    "blank": (_l("The text is empty."), _l("Say it in words.")),
    "unknown_field": (_l("The format has no such field."), _l("Remove it or correct its name. %(right)s")),
    "not_one_of": (_l("%(value)s is not possible here."), _l("One of: %(right)s.")),
    "wrong_form": (_l("%(value)s does not have the right form."), _l("The form is %(right)s.")),
    "wrong_kind": (_l("%(value)s is of the wrong kind."), _l("Give %(kind)s.")),
    "not_a_day": (_l("%(value)s is not a day."), _l("Write it as 2026-01-31, without quotation marks.")),
    "too_few": (_l("There are too few entries."), _l("Add what is missing.")),
    "too_many": (_l("There are too many entries."), _l("Remove some.")),
    "text_too_long": (_l("The text is too long."), _l("At most %(right)s characters.")),
    "out_of_bounds": (_l("%(value)s is out of bounds."), _l("It must be %(right)s.")),
    "invalid": (_l("%(value)s cannot be used here."), _l("See the description of the format.")),
    "other_insurer": (_l("The catalog is that of %(value)s."), _l("Yours has the code %(right)s.")),
    "other_code": (_l("The code %(value)s differs from the folder's."), _l("The folder says %(right)s.")),
    "other_currency": (_l("The currency %(value)s does not fit."), _l("It must be %(right)s.")),
    "ends_before_start": (_l("The sale ends on %(value)s, before it begins."), _l("A day %(right)s.")),
    "versions_overlap": (
        _l("Two versions of this product are on sale on %(value)s."),
        _l("Begin after the end of the version in %(right)s."),
    ),
    "unknown_factor": (_l("%(value)s is not a factor of this line of business."), _l("One of: %(right)s.")),
    "name_twice": (_l("%(value)s is given twice."), _l("Give each its own name.")),
    "frequency_twice": (
        _l("How often is paid is said twice: %(right)s, and by %(value)s."),
        _l("Give one frequency, or let customers choose."),
    ),
    "frequency_not_asked": (
        _l("Customers do not choose by %(value)s how often they pay."),
        _l("In this line of business give: %(right)s."),
    ),
    "method_not_for_currency": (_l("%(value)s does not take %(right)s."), _l("Leave this method out.")),
}

_TABLES: dict[str, Sentences] = {
    "empty_table": (_l("The table has no rows."), _l("Add headings and at least one row.")),
    "too_many_rows": (_l("The table has too many rows."), _l("At most %(right)s.")),
    "row_width": (_l("The row has %(value)s cells."), _l("It needs %(right)s, like the headings.")),
    "column_missing": (_l("The column %(column)s is missing."), _l("The columns are %(right)s.")),
    "column_unknown": (_l("The column %(value)s does not belong here."), _l("The columns are %(right)s.")),
    "column_twice": (_l("The column %(value)s is there twice."), _l("Keep one of them.")),
    "formula": (_l("%(value)s is a formula."), _l("Write the number itself.")),
    "bad_value": (_l("%(value)s is not a value of this factor."), _l("Possible: %(right)s.")),
    "not_a_number": (_l("%(value)s is not a number."), _l("Write digits and a decimal point, such as %(right)s.")),
    "too_many_decimals": (_l("%(value)s has too many decimals."), _l("At most %(right)s.")),
    "row_twice": (_l("The same case is given twice."), _l("It stands in line %(right)s already.")),
    "band_backwards": (_l("The band ends at %(value)s, before it begins."), _l("The end must be %(right)s.")),
    "band_overlap": (_l("The band begins at %(value)s, inside the one before."), _l("It should begin at %(right)s.")),
    "band_gap": (_l("The band begins at %(value)s and leaves a gap."), _l("It should begin at %(right)s.")),
    "outside_dates": (
        _l("The product is not on sale on %(value)s, so this row is never used."),
        _l("A first day of cover in %(right)s."),
    ),
    "cell_missing": (
        _l("There is no number for %(value)s, which the product says it insures."),
        _l("Add the row, or narrow the eligibility."),
    ),
    "too_few_examples": (
        _l("There are %(value)s examples of risks with their premium."),
        _l("At least %(right)s different ones."),
    ),
    "frequency_without_example": (
        _l("No example shows the premium paid %(value)s, which the product offers."),
        _l("Add one with this value of %(column)s, or narrow the eligibility."),
    ),
    "example_refused": (_l("The tariff has no premium for this example."), _l("See %(column)s.")),
    "example_differs": (_l("The example expects %(value)s."), _l("The tariff gives %(right)s.")),
}

_TARIFF: dict[str, Sentences] = {
    "tariff_name_twice": (_l("Two have the name %(value)s."), _l("Give each its own.")),
    "tariff_unused_table": (_l("No step looks into the table %(value)s."), _l("Remove it, or add the look-up.")),
    "tariff_no_line": (_l("No step makes a line of the premium."), _l("Add a step that makes money.")),
    "tariff_unknown_table": (_l("There is no table %(value)s."), _l("Name one of the tables.")),
    "tariff_line_missing": (_l("A look-up of amounts makes a line."), _l("Give it a line and a label.")),
    "tariff_rate_has_line": (_l("A look-up of rates makes no line."), _l("Leave out line and label.")),
    "tariff_unknown_rate": (_l("%(value)s is no look-up before this step."), _l("Name an earlier look-up of a rate.")),
    "tariff_rate_not_always_there": (
        _l("The rate %(value)s is looked up only in some cases."),
        _l("Give both steps the same condition."),
    ),
    "tariff_unknown_step": (_l("%(value)s is no line before this step."), _l("Name an earlier step.")),
    "tariff_scale_missing": (
        _l("The table %(value)s interpolates and does not say how exactly."),
        _l("Give it a scale: the decimals of what lies between two rows."),
    ),
    "tariff_scale_for_nothing": (
        _l("This table has a scale and interpolates nothing."),
        _l("Leave the scale out, or name the interpolated factor."),
    ),
    "tariff_scale_too_fine": (
        _l("The scale is finer than the numbers of this table can be."),
        _l("At most %(value)s decimals."),
    ),
    "tariff_knots_no_numbers": (
        _l("Only whole numbers can be interpolated."),
        _l("Name another factor, or make it exact."),
    ),
    "tariff_mixed_kinds": (
        _l("Two places of the tariff take %(value)s differently."),
        _l("Words, whole numbers and yes-or-no cannot be mixed for one factor."),
    ),
    "frequency_not_rated": (
        _l("Customers choose how often they pay, and no step looks at %(value)s."),
        _l("Say in a table or a condition what each frequency costs."),
    ),
    "tariff_too_many_decimals": (_l("%(value)s has too many decimals."), _l("As many as the currency has.")),
    "tariff_round_to_nought": (_l("A premium cannot be rounded to nought."), _l("Give a positive amount.")),
}

_DEMANDS: dict[str, Sentences] = {
    "demand_missing": (_l("The market profile %(value)s demands %(column)s."), _l("Add it (%(right)s).")),
    "demand_not_online": (_l("This service must be there online."), _l('Add "online" (%(right)s).')),
    "demand_no_phone": (_l("No service is there by phone."), _l('Add "phone" to one at least (%(right)s).')),
    "demand_too_short": (_l("The cooling-off is too short."), _l("At least 15 days (%(right)s).")),
    "demand_banned_words": (_l("“%(value)s” may not be said of insurance."), _l("Say it otherwise (%(right)s).")),
    "demand_not_sold_online": (
        _l("“%(value)s” is not among the insurance of persons that may be sold online."),
        _l("Accident, hospital or term life; another profile for insurance of things (%(right)s)."),
    ),
    "demand_must_say_internet": (
        _l("The name “%(value)s” does not say that the product is sold online."),
        _l("Its Chinese name contains “互联网” (%(right)s)."),
    ),
    "demand_must_say_not_guaranteed": (
        _l("Renewal is not guaranteed, and the text does not say so."),
        _l('Add "not guaranteed" (%(right)s).'),
    ),
    "demand_catch_all": (_l("The question is a catch-all."), _l("Ask about something definite (%(right)s).")),
    "demand_unknown_exclusion": (
        _l("%(column)s names the exclusion %(value)s, which is not among carve_outs."),
        _l("Declare it in product.toml, with its plain explanation and its clause."),
    ),
    "demand_one_of_two": (
        _l("What comes back is said twice: of the days not used, and of what was paid."),
        _l("Keep one of both (%(right)s)."),
    ),
    "demand_of_years_only": (
        _l("There is no last year of which this could be said: what goes back is not counted in years."),
        _l("Leave it out (%(right)s)."),
    ),
    "demand_unknown_cover": (_l("The question names a cover that is not there."), _l("Name its covers (%(right)s).")),
}

_WORKBOOK: dict[str, Sentences] = {
    "not_a_workbook": (_l("The workbook cannot be read: %(value)s"), _l("Save it again as .xlsx.")),
    "old_workbook": (_l("This is a workbook of the old format."), _l("Save it as .xlsx, without a password.")),
    "one_workbook_only": (_l("There is more than one workbook."), _l("Keep one, such as %(right)s.")),
    "macros": (_l("The workbook contains macros."), _l("Save it as .xlsx, which has none.")),
    "external_links": (
        _l("The workbook refers to other files: %(value)s"),
        _l("Break the links, so that the numbers themselves are there."),
    ),
    "document_type": (
        _l("The workbook declares a document type, which no spreadsheet writes."),
        _l("Save it again with a spreadsheet program."),
    ),
    "cell_out_of_reach": (_l("The cell %(value)s lies far outside."), _l("Keep within A1 to %(right)s.")),
    "too_many_cells": (_l("The workbook has too many cells."), _l("At most %(right)s that hold something.")),
    "too_many_sheets": (_l("There are too many sheets: %(value)s."), _l("At most %(right)s.")),
    "too_much_text": (_l("The workbook holds too much text."), _l("At most %(right)s characters.")),
    "sheet_missing": (_l("The sheet is missing."), _l("Add it, as it stands in the template.")),
    "sheet_not_used": (_l("Nothing refers to this sheet."), _l("Remove it, or name it where it belongs.")),
    "sheet_unknown": (_l("A sheet of this name is not part of a catalog."), _l("Remove it, or name it: %(right)s.")),
    "hidden_sheet": (_l("The sheet is hidden."), _l("Show it, or remove it.")),
    "hidden_row": (_l("Row %(value)s is hidden and holds something."), _l("Show it, or remove it.")),
    "hidden_column": (_l("Column %(value)s is hidden and holds something."), _l("Show it, or remove it.")),
    "merged_cells": (_l("The cells %(value)s are merged."), _l("Unmerge them and fill in each one.")),
    "label_says_too_little": (
        _l("The labels of this number do not say: %(column)s."),
        _l("Choose the factor of its column or row, or write what its label means."),
    ),
    "cell_error": (_l("The cell shows the error %(value)s."), _l("Write the value itself.")),
    "too_many_digits": (
        _l("%(value)s has more digits than a cell shows; it was computed, not typed."),
        _l("Write the number you mean, such as %(right)s."),
    ),
    "no_second_language": (_l("%(value)s stands where the Chinese words of a text go."), _l("Leave the cell empty.")),
}

_CHILD: dict[str, Sentences] = {
    "reading_too_large": (
        _l("Reading the file takes too much memory."),
        _l("Upload fewer products at once, or smaller tables."),
    ),
    "reading_too_long": (
        _l("Reading the file takes too long."),
        _l("Upload fewer products at once, or smaller tables."),
    ),
    "reading_failed": (_l("The file could not be read."), _l("Save it again and upload it once more.")),
}

SENTENCES = _CONTAINER | _WORKBOOK | _CHILD | _FIELDS | _TABLES | _TARIFF | _DEMANDS


def explain(finding: Finding) -> Explanation:
    """What is wrong and what would be right, in the present locale."""
    wrong, right = SENTENCES[finding.code]
    said = {"value": finding.value, "right": finding.right, "column": finding.column, "kind": _kind(finding.right)}
    return Explanation(str(wrong) % said, (str(right) % said).strip())


def _kind(right: str) -> str:
    kinds = {
        "int": _("a whole number"),
        "string": _("text in quotation marks"),
        "bool": _("true or false"),
        "tuple": _("a list"),
        "dataclass": _("a table with fields"),
        "dict": _("a table with fields"),
    }
    return kinds.get(right, right)
