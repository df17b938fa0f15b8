import cog


class Model(cog.Model):
    """Makes pictures larger."""

    def setup(self):
        self.model = None

    @cog.input("image", type=cog.Path, help="A picture")
    @cog.input("scale", type=float, default=2, min=1, max=4, help="How much larger")
    @cog.input("mode", type=str, default="fast", options=["fast", "good"])
    @cog.input("face", type=bool, default=False)
    @cog.input("mask", type=cog.Path, default=None)
    def predict(self, image, scale, mode, face, mask):
        return image
