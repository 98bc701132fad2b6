"""What every answer is made of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

AmountText = Annotated[str, Field(pattern="^(0|[1-9][0-9]{0,77})$", examples=["115792089237316195423570985008687907"])]
HashHex = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
BytesHex = Annotated[str, Field(pattern="^([0-9a-f]{2})*$")]
AddressText = Annotated[str, Field(pattern="^syn1[02-9ac-hj-np-z]{38}$")]
Height = Annotated[int, Field(ge=0, le=2**53 - 1)]
Number = Annotated[int, Field(ge=0, le=2**53 - 1)]
Anything = Annotated[Any, WithJsonSchema({"description": "By the schema that GET /modules lists."})]
Object = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "description": "By the schema of its table."})]


class Answer(BaseModel):
    """Base of every answer: frozen, and nothing beside what is declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")
